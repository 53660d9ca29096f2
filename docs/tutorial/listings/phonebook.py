"""The commands of a phone book."""

from sockproto import CommandError, CommandSet, command


class PhoneBook(CommandSet):
    """Knows numbers by names. All connections share one book."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    @command
    def add(self, name: str, number: int) -> None:
        """Note a number."""
        self.numbers[name] = number

    @command
    def find(self, name: str) -> int:
        """Look a number up."""
        if name not in self.numbers:
            raise CommandError(f"nobody is called {name}")
        return self.numbers[name]
