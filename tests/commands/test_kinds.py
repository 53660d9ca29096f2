"""Types of arguments that one makes oneself, unions, and numbers without rounding."""

from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated, Any, ClassVar, Literal

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from sockproto import CommandError, CommandSet, DeclarationError, Kind, command
from sockproto.cli.completing import Commands
from tests.commands.talking import TalkTests


def percentage(word: bytes) -> int:
    number = int(word)
    if not 0 <= number <= 100:
        raise CommandError("PERCENT is too much" if number > 0 else "PERCENT is too little")
    return number


Percent = Annotated[int, Kind("percent", "a percentage", percentage, ("25", "50"))]


def address(word: bytes) -> IPv4Address:
    return IPv4Address(word.decode())


def broken(word: bytes) -> Any:
    raise KeyError(word)


class Own(CommandSet):
    kinds: ClassVar = {
        IPv4Address: Kind("address", "an IPv4 address", lambda word: IPv4Address(word.decode()))
    }

    @command
    def dim(self, percent: Percent) -> int:
        """Dim."""
        return percent

    @command
    def ban(self, address: IPv4Address, *more: IPv4Address) -> str:
        """Ban."""
        return repr([address, *more])

    @command
    def pay(self, amount: Decimal = Decimal(1)) -> Decimal:
        """Pay."""
        return amount * 3

    @command
    def volts(self, value: float | Literal["MIN", "MAX"] | None = None) -> str:
        """Set the voltage."""
        return repr(value)

    @command
    def several(self, value: int | Percent | bool) -> str:
        """Take what fits first."""
        return repr(value)


class KindTests(TalkTests):
    def test_a_kind_of_ones_own(self) -> None:
        self.answers(
            Own(),
            **{
                "/dim 40": b"40",
                "/dim much": b"error: PERCENT must be a percentage",
                "/dim 101": b"error: PERCENT is too much",
                "/help dim": b"/dim PERCENT: Dim. (PERCENT is a percentage)",
                "/ban 192.0.2.1 192.0.2.2": b"[IPv4Address('192.0.2.1'), IPv4Address('192.0.2.2')]",
                "/ban 192.0.2.1 \xff": b"error: MORE must be an IPv4 address",
                "/ban 192.0.2.256": b"error: ADDRESS must be an IPv4 address",
            },
        )

    def test_a_decimal_has_so_many_digits_at_most(self) -> None:
        for amount in b"1e999999999", b"1e-999999999", b"9" * 1001:
            self.connect(Own())
            self.assertEqual(self.say(b"/pay " + amount), b"error: AMOUNT must be a number\n")

    def test_what_a_union_can_not_reach(self) -> None:
        def say(self: Any, one: str | int) -> None: ...

        with self.assertRaisesRegex(DeclarationError, "Made.say: one: str and bytes take every word"):
            type("Made", (CommandSet,), {"say": command(say)})

    def test_completion_of_a_union_with_a_boolean(self) -> None:
        class Lamp(CommandSet):
            @command
            def light(self, state: bool | Literal["auto"]) -> None: ...

        completing = Commands("/")
        completing.learn_more(Lamp.commands.describe())
        found = completing.get_completions(Document("/light "), CompleteEvent())
        self.assertEqual([each.text for each in found], ["auto", "on", "off"])

    def test_decimals_are_not_rounded(self) -> None:
        self.answers(
            Own(),
            **{
                "/pay 0.1": b"0.3",
                "/pay": b"3",
                "/pay 1e2": b"3E+2",
                "/pay NaN": b"error: AMOUNT must be a number",
                "/pay " + "1" * 2000: b"error: AMOUNT must be a number",
            },
        )

    def test_a_union_takes_what_one_of_them_takes(self) -> None:
        self.answers(
            Own(),
            **{
                "/volts 1.5": b"1.5",
                "/volts MAX": b"'MAX'",
                "/volts": b"None",
                "/volts max": b"error: VALUE must be a number or MIN or MAX",
                "/help volts": b"/volts [VALUE]: Set the voltage. (VALUE is a number or MIN or MAX)",
                "/several 7": b"7",
                "/several on": b"True",
                "/several 1e3": b"error: VALUE must be on or off or a percentage or a whole number",
            },
        )

    def test_programs_are_told_of_them(self) -> None:
        completing = Commands("/")
        self.assertTrue(completing.learn_more(Own().commands.describe()))

        def completed(typed: str) -> list[str]:
            found = completing.get_completions(Document(typed), CompleteEvent())
            return [each.text for each in found]

        self.assertEqual(completed("/dim "), ["25", "50"])
        self.assertEqual(completed("/volts M"), ["MIN", "MAX"])

    def test_a_bug_in_one_is_a_bug(self) -> None:
        class Broken(CommandSet):
            kinds: ClassVar = {list: Kind("list", "a list", broken)}

            @command
            def take(self, items: list) -> None:  # type: ignore[type-arg]
                """Take."""

        self.connect(Broken())
        self.assertEqual(self.say(b"/take x"), b"error: internal error\n")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_a_subclass_has_those_of_its_base(self) -> None:
        class More(Own):
            @command
            def unban(self, address: IPv4Address) -> str:
                """Unban."""
                return str(address)

        commands: Any = More()
        self.answers(commands, **{"/unban 192.0.2.1": b"192.0.2.1"})
