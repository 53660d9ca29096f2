"""``benchmarks.speed``: that it measures, notices wrong answers, and says what it found."""

import csv
import re
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from twisted.trial.unittest import TestCase

from benchmarks.speed import cases, peers, picture, table, targets
from benchmarks.speed.__main__ import main, parsed, present
from benchmarks.speed.cases import CASES, VARIANTS, Case, exchanges
from benchmarks.speed.measure import Bench, Failed, Measurement
from benchmarks.speed.memory import allow_files
from benchmarks.speed.page import Page
from benchmarks.speed.peers import PEERS, Peer
from benchmarks.speed.results import Results
from benchmarks.speed.servers.answers import greet, obey
from tests.live.server import need

SECONDS = 0.3
CASE = {case.name: case for case in CASES}
ECHO, IDLE = CASE["echo-64-10"], CASE["idle-5000"]
THREE = peers.selected(["uvloop", "twisted", "sockproto"])

WRONG = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
connections = []
connection = server.accept()[0]
while data := connection.recv(65536):
    connection.sendall({answer})
"""
FORGETFUL = """
import socket
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
server.recvfrom(65536)
while True:
    server.sendto(*server.recvfrom(65536))
"""


def results(*failed: str) -> Results:
    """Return fixed ones: three rounds of each of three peers."""
    found = Results()
    for case, factor in (ECHO, 1), (IDLE, 0.01):
        for peer, value in ("uvloop", 140_000), ("twisted", 50_000), ("sockproto", 100_000):
            if peer in failed:
                found.fail(case.name, peer, "did not start")
            else:
                for noise in 1.0, 0.9, 1.3:
                    measured = Measurement(value * factor * noise, 2 * value, 0.5, 60, 100, 200)
                    found.add(case.name, peer, measured)
    return found


def lines(text: str) -> list[list[str]]:
    """Return the cells of a table."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


class ResultTests(TestCase):
    def test_medians_and_ratios(self) -> None:
        found = results()
        medians = found.medians(ECHO.name, "uvloop")
        self.assertEqual(medians, Measurement(140_000, 280_000, 0.5, 60, 100, 200))
        self.assertAlmostEqual(found.spread(ECHO.name, "uvloop"), 0.4)
        self.assertAlmostEqual(found.ratio(ECHO.name, "sockproto", "twisted") or 0, 2)
        self.assertIsNone(found.ratio(ECHO.name, "sockproto", "asyncio"))

    def test_a_peer_that_failed_once_has_no_figures(self) -> None:
        found = results()
        found.fail(ECHO.name, "uvloop", "a wrong answer")
        self.assertIsNone(found.medians(ECHO.name, "uvloop"))


class TableTests(TestCase):
    def test_a_case(self) -> None:
        title, _, *rows = table.details(ECHO, THREE, results()).splitlines()
        self.assertEqual(title, "### Echo, 64 B, 10 connections")
        head, _, *cells = lines("\n".join(rows))
        self.assertEqual(head, ["", "requests/s of CPU", f"{table.TIMES} Twisted", "spread", "p99, µs"])
        self.assertEqual(cells[0], ["uvloop", "280,000", "2.80", "40%", "100"])
        self.assertEqual(cells[2][0], "**sockproto**")

    def test_memory_has_no_latencies(self) -> None:
        head, _, *cells = lines(table.details(IDLE, THREE, results()))[2:]
        self.assertEqual(head, ["", "bytes a connection", f"{table.TIMES} Twisted", "spread"])
        self.assertEqual(cells[0], ["uvloop", "1,400", "2.80", "40%"])

    def test_what_idle_connections_cost(self) -> None:
        found = results()
        found.add(IDLE.name, "sockproto-lean", Measurement(1_800))
        head, _, *cells = lines(table.memory([ECHO, IDLE], found))
        self.assertEqual(head, ["", "5,000 connections"])
        expected = {"sockproto": "1,800", "Twisted": "500", "asyncio": table.NONE, "uvloop": "1,400"}
        self.assertEqual(dict(cells), expected)
        self.assertEqual(table.memory([ECHO], found), "")

    def test_a_failure_is_told(self) -> None:
        text = table.details(ECHO, THREE, results("uvloop"))
        self.assertNotIn("| uvloop |", text)
        self.assertIn("\n- uvloop failed: did not start", text)

    def test_what_was_lost_or_not_answered_is_told(self) -> None:
        found = Results()
        found.add("udp", "uvloop", Measurement(1, lost=3, starved=2))
        text = table.details(CASE["udp"], THREE, found)
        self.assertIn("- uvloop: 3 datagrams had to be sent again", text)
        self.assertIn("- uvloop: on 2 connections nothing was answered", text)

    def test_all_figures_in_a_file(self) -> None:
        text = table.figures([ECHO, IDLE], THREE, results("twisted"))
        head, first, *others = csv.reader(text.splitlines())
        self.assertEqual(tuple(head), table.COLUMNS)
        expected = ["140000", "0.40", "280000", "60", "100", "200", "0.50", "0", "0"]
        self.assertEqual(first, [ECHO.name, "uvloop", "requests/s", *expected])
        names = [(row[0], row[1]) for row in others]
        self.assertEqual(names, [(ECHO.name, "sockproto"), (IDLE.name, "uvloop"), (IDLE.name, "sockproto")])

    def test_rounds_that_are_far_apart_are_told(self) -> None:
        found = results()
        self.assertEqual(table.apart([ECHO, IDLE], THREE, found), "")
        found.add(ECHO.name, "uvloop", Measurement(490_000))
        self.assertRegex(
            table.apart([ECHO, IDLE], THREE, found), r"^In 1 of 2 cases .* more than 50% .* up to \d{3}%,"
        )

    def test_targets(self) -> None:
        rows = lines(targets.table(results()))[2:]
        self.assertEqual(len(rows), len(targets.TARGETS))
        reached = {
            tuple(row[1:3]): row[3:] for row in rows if row[0] == "echo, 64 B to 1 KiB, 10 connections"
        }
        bound = f"≥ 1.65 {table.TIMES} Twisted"
        self.assertEqual(reached["`sockproto`", bound], ["2.00", "echo-64-10"])
        idle = {row[1]: row[3:] for row in rows if row[0] == "bytes an idle connection"}
        self.assertEqual(idle["`sockproto`"], ["1,000", "idle-5000"])
        self.assertEqual(idle["`sockproto-lean`"], ["not measured", table.NONE])

    def test_a_latency_is_to_be_small(self) -> None:
        found = Results()
        for peer, p99 in ("twisted", 200), ("sockproto", 150), ("sockproto-lean", 300):
            found.add("connect-100", peer, Measurement(1, 1, p99=p99))
        rows = [row for row in lines(targets.table(found)) if row[0] == "connect, 100 at once: p99"]
        self.assertEqual(
            {row[1]: row[3:] for row in rows},
            {
                "`sockproto-lean`": ["**1.50, missed**", "connect-100"],
                "`sockproto`": ["0.75", "connect-100"],
            },
        )

    def test_the_verdict(self) -> None:
        found = results()
        text = targets.verdict(found)
        self.assertRegex(text, r"^\*\*\d+ of \d+ targets are reached\.\*\*$")
        for _ in range(3):
            found.add("idle-10000", "sockproto", Measurement(3_000))
        self.assertIn(
            "\n- missed: bytes an idle connection: `sockproto` 3,000, not 2,000", targets.verdict(found)
        )

    def test_a_figure_that_is_missed_by_little_is_told_from_the_target(self) -> None:
        found = Results()
        for peer, rate in ("asyncio", 10_000), ("sockproto-lean", 9_674):
            found.add(ECHO.name, peer, Measurement(rate, rate))
        self.assertIn(f"`sockproto-lean` 0.967 {table.TIMES} asyncio, not 0.97", targets.verdict(found))

    def test_the_summary(self) -> None:
        found = results()
        for _ in range(3):
            found.add(ECHO.name, "sockproto-lean", Measurement(1, 420_000))
        _, _, echo = lines(table.summary([ECHO, IDLE], found))
        self.assertEqual(echo, [ECHO.title, "4.20", table.NONE, "1.50"])

    def test_the_finding_is_a_sentence(self) -> None:
        found = results()
        self.assertRegex(table.finding([ECHO], found), r"^Neither .+ was measured\.$")
        found.add(ECHO.name, "sockproto-lean", Measurement(1, 420_000))
        self.assertRegex(
            table.finding([ECHO, IDLE], found),
            r" 4\.20 to 4\.20 times as much as Twisted and 1\.50 to 1\.50 times as much as uvloop\.$",
        )

    def test_targets_name_cases_and_peers_that_are_there(self) -> None:
        names = {peer.name for peer in PEERS}
        for target in targets.TARGETS:
            self.assertLessEqual({target.peer, target.reference or "c"}, names)
            self.assertLessEqual(set(target.cases), set(CASE))


class PictureTests(TestCase):
    def test_a_line_a_case_with_a_mark_for_everybody(self) -> None:
        found = results()
        found.add(ECHO.name, "sockproto-lean", Measurement(1, 420_000))
        drawing = ElementTree.fromstring(picture.svg([ECHO, IDLE], found))
        [line] = drawing.findall("svg:g[@class='case']", SVG)  # memory is none of them
        marks = {mark.get("class"): mark for mark in line.findall("*") if mark.get("class")}
        self.assertLessEqual({"twisted", "uvloop", "ours"}, set(marks))
        self.assertNotIn("asyncio", marks)
        [left, right] = (float(marks["line"].get(name, 0)) for name in ("x1", "x2"))
        self.assertAlmostEqual(float(marks["ours"].get("cx", 0)), left + (right - left) * 4.2 / 5)
        self.assertAlmostEqual(float(marks["twisted"].get("x", 0)) + 1.5, left + (right - left) / 5)
        texts = [text.text for text in drawing.iter(f"{{{SVG['svg']}}}text")]
        self.assertLessEqual({ECHO.title, "4.20", "sockproto", "uvloop", "5"}, set(texts))

    def test_it_is_as_wide_as_a_telephone_and_has_colours_for_the_dark(self) -> None:
        drawn = picture.svg(CASES, results())
        self.assertLessEqual(int(ElementTree.fromstring(drawn).get("width", 1_000)), 400)
        self.assertIn("@media(prefers-color-scheme:dark)", drawn)

    def test_nothing_measured_is_a_picture_too(self) -> None:
        ElementTree.fromstring(picture.svg([ECHO], Results()))


class PageTests(TestCase):
    def test_it_names_date_versions_machine_and_command_and_is_written_again(self) -> None:
        path = Path(self.mktemp()).with_suffix(".md")
        page = Page(["python", "-m", "benchmarks.speed", "--case", "echo-*"], [ECHO], THREE[1:], results())
        page.write(path)
        first = path.read_text()
        self.assertRegex(
            first,
            r"\nMeasured on \d{4}-\d\d-\d\d by `python -m benchmarks\.speed --case 'echo-\*'`, with "
            r"Python \S+, Twisted \S+, sockproto \S+, .* cores, on loopback\. Machine: .+\.\n",
        )
        self.assertIn(f"]({path.with_suffix('.svg').name})", first)
        ElementTree.fromstring(path.with_suffix(".svg").read_text())
        self.assertIn(f"]({path.with_suffix('.csv').name})", first)
        self.assertEqual(path.with_suffix(".csv").read_text(), table.figures([ECHO], THREE[1:], results()))
        page.write(path)
        self.assertEqual(path.read_text(), first)

    def test_what_else_there_is_to_say_stands_on_the_page(self) -> None:
        page = Page([], [ECHO], THREE[1:], results(), ["- The machine was busy."])
        self.assertIn("\n\n- The machine was busy.", page.verdict())
        self.assertEqual(parsed(["--note", "one", "--note", "two"]).note, ["one", "two"])

    def test_the_readme_has_a_table_of_four_columns_if_it_has_a_place_for_it(self) -> None:
        path = Path(self.mktemp())
        page = Page([], [ECHO, CASE["udp"], IDLE], THREE[1:], results())
        page.write_readme(path)
        self.assertFalse(path.exists())
        path.write_text("# A\n\n")
        page.write_readme(path)
        self.assertEqual(path.read_text(), "# A\n\n")
        path.write_text("# A\n\n<!-- speed: written by a script -->\n<!-- end of speed -->\n\n# B\n")
        page.write_readme(path)
        head, _, row = lines(path.read_text().split("-->\n")[1].split("\n<!--")[0])
        self.assertEqual(len(head), 4)
        self.assertEqual(row[0], CASE["udp"].title)
        self.assertTrue(path.read_text().endswith("\n<!-- end of speed -->\n\n# B\n"))


class CaseTests(TestCase):
    def test_names_are_unique_and_patterns_choose(self) -> None:
        self.assertEqual(len(CASE), len(CASES))
        self.assertEqual([case.name for case in cases.selected(["lines-1", "idle-*"])], ["lines-1", *IDLES])
        self.assertEqual(cases.selected([]), CASES)
        self.assertRaises(ValueError, cases.selected, ["nonesuch"])
        self.assertEqual(len({peer.name for peer in PEERS}), len(PEERS))
        self.assertRaises(ValueError, peers.selected, ["nonesuch"])

    def test_each_variant_of_a_request_differs_from_the_others(self) -> None:
        for case in CASES:
            for data in exchanges(case) if case.size else ():
                self.assertEqual(len(data) % VARIANTS, 0)
                length = len(data) // VARIANTS
                parts = {data[start : start + length] for start in range(0, len(data), length)}
                self.assertEqual(len(parts), VARIANTS, case.name)

    def test_the_replies_are_those_of_the_servers(self) -> None:
        for name, answer in ("lines-16", greet), ("lines-100", greet), ("command", obey):
            requests, replies = exchanges(CASE[name])
            self.assertEqual(answer(requests.splitlines()), replies)

    def test_to_be_greeted_nothing_is_asked(self) -> None:
        case = CASE["greeted"]
        self.assertEqual((exchanges(case), case.welcome), ((b"", b"Welcome!\r\n" * VARIANTS), b""))

    def test_what_is_missing_is_told(self) -> None:
        lacking = [
            Peer("a", "A", "loop_server", needs="no_such_package"),
            Peer("b", "B", "twisted_server", reactor="nonesuch"),
        ]
        able, notes = present([*peers.selected(["twisted"]), *lacking])
        self.assertEqual([peer.name for peer in able], ["twisted"])
        self.assertIn("- Left out: A; there is no no_such_package: pip install -e '.[bench]'.", notes)
        self.assertIn("- Left out: B; Twisted finds no reactor 'nonesuch'.", notes)

    def test_quick_is_one_short_round(self) -> None:
        options = parsed(["--quick", "--rounds", "7"])
        self.assertEqual((options.rounds, options.seconds), (1, 0.3))


SVG = {"svg": "http://www.w3.org/2000/svg"}
IDLES = ["idle-5000", "idle-10000"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("cc")
    return tmp_path_factory.mktemp("speed")


@pytest.fixture(scope="module")
def bench(directory: Path) -> Bench:
    return Bench(directory, SECONDS)


def small(case: Case) -> Case:
    """Return the same with less to hold."""
    return replace(case, connections=min(case.connections, 50))


@pytest.mark.parametrize(
    "name", ["echo-64-10", "echo-100k-500", "lines-16", "command", "udp", "connect-100", "greeted"]
)
@pytest.mark.parametrize("peer", ["c", "sockproto"])
def test_a_case_gives_sane_figures(bench: Bench, directory: Path, name: str, peer: str) -> None:
    case = small(CASE[name])
    found = bench.measure(case, peers.selected([peer])[0].command(directory))
    assert found.value > 0
    assert found.per_cpu > 0
    assert 0 < found.share < 1.5
    assert 0 < found.p50 <= found.p99 <= found.p999 < 5e6


@pytest.mark.parametrize(
    "peer", ["asyncio", "streams", "threads", "twisted", "bare", "uvloop", "gevent", "go"]
)
def test_every_peer_greets(bench: Bench, directory: Path, peer: str) -> None:
    [described] = peers.selected([peer])
    if described.lack() and peer in ("uvloop", "gevent", "go"):  # what the extra "test" doesn't bring
        return
    assert bench.measure(small(CASE["lines-100"]), described.command(directory)).value > 0


def test_idle_connections_cost_memory(bench: Bench, directory: Path) -> None:
    assert allow_files(500)
    case = Case("idle", "", "echo", "idle", 500)
    found = bench.measure(case, peers.selected(["sockproto"])[0].command(directory))
    assert 200 < found.value < 20_000


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("data[:-1] + b'x'", "a wrong answer: 64 bytes at 0 of 64"),
        ("data + b'x'", "a wrong answer: 65 bytes at 0 of 64"),
        ("connections.append(data) or connections[0]", "a wrong answer: 64 bytes at 0 of 64"),
        ("b''); connection.close(); sys.exit(", "closed by the server: "),
    ],
    ids=["altered", "longer", "an old one", "none"],
)
def test_a_wrong_answer_is_noticed(bench: Bench, answer: str, complaint: str) -> None:
    case = Case("echo", "", "echo", "stream", 1)
    with pytest.raises(Failed, match=re.escape(complaint)):
        bench.measure(case, [sys.executable, "-c", WRONG.format(answer=answer)])


def test_a_wrong_welcome_is_noticed(bench: Bench, directory: Path) -> None:
    server = WRONG.format(answer="data").replace("while", "connection.sendall(b'Go away!!!')\nwhile")
    with pytest.raises(Failed, match="no welcome, or a wrong one"):
        bench.measure(small(CASE["lines-100"]), [sys.executable, "-c", server])


def test_a_lost_datagram_is_sent_again(directory: Path) -> None:
    case = Case("udp", "", "udp", "datagram", 1)
    found = Bench(directory, 0.2).measure(case, [sys.executable, "-c", FORGETFUL])
    assert found.value > 0


def test_a_server_that_does_not_start_is_told(bench: Bench) -> None:
    with pytest.raises(Failed, match="did not start: nothing here"):
        bench.measure(ECHO, [sys.executable, "-c", "raise SystemExit('nothing here')"])


def test_the_command_writes_page_and_picture(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "speed.md"
    options = ["--case", "echo-64-10", "--peer", "c", "--rounds", "2", "--seconds", "0.05"]
    main([*options, "--write", str(page)])
    printed = capsys.readouterr().out
    assert "| C, epoll | " in printed
    assert "| C, epoll | " in page.read_text()
    ElementTree.fromstring(page.with_suffix(".svg").read_text())
