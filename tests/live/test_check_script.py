"""``sockproto check --script``: servers of real protocols, and wrong ones of a protocol of its own."""

import sys
from pathlib import Path

import pytest

from sockproto.check.context import CheckContext
from sockproto.check.registry import cases, chosen
from sockproto.check.running import run
from sockproto.check.script import SCRIPT
from sockproto.check.script.reading import parse
from sockproto.check.started import Started
from sockproto.check.target import find, free_port
from sockproto.check.timing import Patience
from sockproto.check.verdict import Report, Verdict
from tests.hanging import attempts
from tests.live import scripted
from tests.live.server import need

EXAMPLES = Path(__file__).parents[2] / "examples" / "check"
PATIENT = Patience(answer=10, silence=0.1, case=120, run=600)  # for a machine that does much else
HASTY = Patience(answer=1, silence=0.1, case=60, run=300)
NEVER = ["never-reads.it-stops-reading", "never-reads.memory-is-bounded"]


def judge(
    script: str, command: str, only: list[str], skip: list[str], patience: Patience = PATIENT
) -> Report:
    """Judge a server that is started for it."""
    given, port = parse(script, "own"), free_port()
    with Started(command, port) as started:
        started.wait_until_up("tcp", "127.0.0.1", port)
        context = CheckContext(SCRIPT, find("tcp", "127.0.0.1", port), patience, True, started, script=given)
        return run(context, chosen(cases(given), only, skip))


def example(name: str) -> str:
    """Return a script of the examples."""
    return (EXAMPLES / f"{name}.toml").read_text("utf-8")


def not_passed(report: Report) -> dict[str, Verdict]:
    """Return what is no pass, of what is judged in the quick form."""
    return {
        result.case.identifier: result.verdict
        for result in report.results
        if result.verdict is not Verdict.PASS and result.case.quick
    }


CUTS = ["shutdown.no-answer-is-cut"]
"""What those fail that end within a second, if it takes us longer to read what we are owed."""


def test_memcached_passes_all_but_may_cut_an_answer() -> None:
    need("memcached")
    report = judge(example("memcached"), "memcached -u nobody -l 127.0.0.1 -p {port} -U 0", [], CUTS)
    assert not_passed(report) == {}
    assert report.protocol == "memcached"


def test_redis_keeps_what_nobody_reads_and_cuts_answers(tmp_path: Path) -> None:
    need("redis-server")
    command = f"redis-server --port {{port}} --bind 127.0.0.1 --dir {tmp_path} --save '' --appendonly no"
    found = not_passed(judge(example("redis"), command, [], CUTS))
    assert found.pop("never-reads.it-stops-reading") is Verdict.FAIL
    assert set(found) <= {"never-reads.memory-is-bounded"}  # as much as it was owed by then
    limited = f"{command} --client-output-buffer-limit 'normal 1mb 1mb 0'"
    report = judge(example("redis"), limited, ["never-reads"], [])
    assert not_passed(report) == {"never-reads.it-stops-reading": Verdict.OPEN}
    assert "it cuts the connection" in str(report)


SMTP = """
import sys
from twisted.internet import reactor
from twisted.mail.smtp import SMTP, SMTPFactory

class Obeys(SMTP):
    def do_NOOP(self, rest):
        self.sendCode(250, b"OK")

factory = SMTPFactory()
if sys.argv[1] == "Obeys":
    factory.protocol = Obeys
reactor.listenTCP(int(sys.argv[2]), factory, interface="127.0.0.1")
reactor.run()
"""


def test_twisted_s_smtp(tmp_path: Path) -> None:
    (tmp_path / "smtp.py").write_text(SMTP)
    command = f"{sys.executable} {tmp_path / 'smtp.py'} "
    slow = ["never-reads", "long-messages.a-line*", "long-messages.others*", "shutdown.no-*", "half-close.e*"]
    wrong = {
        "half-close.the-last-message-is-answered": Verdict.FAIL,
        "long-messages.memory-is-bounded": Verdict.FAIL,
    }
    found = not_passed(judge(example("smtp"), command + "Obeys {port}", [], slow))
    for _ in attempts():  # on a busy machine it may have read all before the end comes, and be right
        missing = [*wrong.keys() - found.keys()]
        if not missing:
            break
        found |= not_passed(judge(example("smtp"), command + "Obeys {port}", missing, []))
    assert found == wrong
    report = judge(example("smtp"), command + "AsItIs {port}", ["meaning", "splits"], [])
    assert not_passed(report) == {"meaning.every-step-is-answered": Verdict.FAIL}
    assert r"step 2: '500 Command not implemented\r\n' came" in str(report).replace("\\\\", "\\")


FAULTS = {
    "OneRead": "splits.* pipelining.* slow.a-pause-inside-a-message many.halves-are-not-mixed"
    " half-close.every-message-is-answered",
    "EndsAtHalfClose": "half-close.*message*",
    "MixesHalves": "many.halves-are-not-mixed",
    "MixesAnswers": "many.each-gets-its-own-answers",
    "AnswersAfterBye": "pipelining.nothing-after-the-close meaning.the-close-ends-it",
    "StaysAfterBye": "pipelining.nothing-after-the-close meaning.the-close-ends-it",
    "Reorders": "pipelining.every-answer-in-order splits.all-in-one-segment",
    "SpeaksUnasked": "meaning.a-dialogue meaning.nothing-comes-unasked",
    "AnswersOnce": "meaning.messages-are-answered-again",
    "CannotCount": "meaning.every-step-is-answered",
    "Impatient": "slow.a-pause-inside-a-message slow.an-idle-client-stays",
    "Short": "long-messages.the-longest",
    "Endless": "long-messages.a-line-without-end-is-ended long-messages.memory-is-bounded",
    "Hoards": "never-reads.it-stops-reading never-reads.memory-is-bounded",
    "OneByOne": "many.all-are-served slow.waiting-clients-delay-nobody never-reads.others-are-served",
    "Leaks": "many.no-descriptor-is-left resets.no-descriptor-is-lost",
    "CutsAnswers": "shutdown.no-answer-is-cut",
    "StaysAfterSignal": "shutdown.it-ends-in-time",
}
"""Each wrong server, and the cases that it must fail."""


def own(name: str, only: list[str], patience: Patience) -> Report:
    """Judge one of the servers of a protocol of its own."""
    return judge(scripted.SCRIPT, f"{sys.executable} {scripted.__file__} {name} {{port}}", only, [], patience)


def test_a_right_server_passes_all() -> None:
    assert not_passed(own("Right", [], PATIENT)) == {}


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_server_fails(name: str) -> None:
    for _ in attempts():  # on a busy machine a wrong server may be too slow to be seen to be wrong
        report = own(name, FAULTS[name].split(), HASTY)
        right = [result for result in report.results if result.verdict is not Verdict.FAIL]
        if not right:
            break
    assert not right, right[0]
