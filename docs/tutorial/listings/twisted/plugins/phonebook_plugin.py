"""A protocol of our own: a line is a name, the answer is its number."""

from pathlib import Path

from sockproto import Conversation, OptionError, ProtocolOption, conversation_definition


class Phonebook(Conversation):
    """Gives numbers.

    Args:
        book: The numbers by their names.
    """

    def __init__(self, book=None):
        self.book = book or {}

    def received(self, name):
        """Look a name up."""
        return self.book.get(name, b"unknown")

    def datagram(self, message, peer):
        """A datagram has no framing: nothing else takes the newline away, or adds one."""
        return self.received(message.strip()) + b"\n"

    def is_reply(self, datagram):
        """Two such servers must not look up each other's answers for ever."""
        return datagram == b"unknown\n" or datagram.strip().isdigit()


def read_book(path):
    """Make the value of ``--book``: the numbers by their names."""
    try:
        return dict(line.split() for line in Path(path).read_bytes().splitlines())
    except OSError as error:
        raise OptionError(f"can't read {path!r}: {error.strerror}") from error
    except ValueError:
        raise OptionError(f"{path!r} must have lines such as 'Michael 5550123'") from None


BOOK = ProtocolOption("book", read_book, "an empty book", "file of names and numbers")
DEFINITION = conversation_definition(
    "phonebook", "a line is a name; the answer is its number", Phonebook, options=(BOOK,)
)
