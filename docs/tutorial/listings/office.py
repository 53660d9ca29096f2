"""The phone book of an office: it asks another book, and lists its names."""

from phonebook import PhoneBook

from sockproto import CommandError, command


class OfficeBook(PhoneBook):
    """Adds two commands to those it inherits.

    Args:
        ask_town: Takes a name, gives a Deferred or a coroutine of its number in the town's book.
    """

    def __init__(self, ask_town):
        super().__init__()
        self.ask_town = ask_town

    @command
    async def town(self, name: str) -> int:
        """Ask the book of the town."""
        try:
            return await self.ask_town(name)
        except LookupError:
            raise CommandError(f"nobody in town is called {name}") from None

    @command
    async def names(self):
        """List the names, a line each."""
        for name in sorted(self.numbers):
            yield name
