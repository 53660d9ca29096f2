"""A phone book in which only those can write who have logged in."""

from phonebook import PhoneBook

from sockproto import Caller, CommandError, command


class Session(Caller):
    """What is kept of one connection."""

    trusted = False


class GuardedBook(PhoneBook):
    """One book for all; one ``Session`` for each connection."""

    caller = Session

    def authorize(self, caller, declared):
        """Look at who asks before every command."""
        if declared.name == "/add" and not caller.trusted:
            raise CommandError("log in first")

    @command
    def login(self, caller: Session, password: str) -> None:
        """Prove that you may write."""
        if password != "swordfish":
            raise CommandError("wrong password")
        caller.trusted = True
