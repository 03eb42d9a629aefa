"""How many bytes of bodies a worker holds at a time, whoever sends them."""

from typing import Protocol


class Sender(Protocol):
    """A connection on which a body arrives."""

    def hold(self) -> None:
        """Read nothing from it for now."""

    def release(self) -> None:
        """Read on."""


class Bodies:
    """Counts the bodies that arrive and those that wait to be answered, and holds senders while they are too many.

    The sender that began first is not held while nothing is worked on: else all could wait for each other's end.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._arriving: dict[Sender, int] = {}  # in the order in which they began
        self._held: dict[Sender, None] = {}
        self._bytes = 0
        self._at_work = 0

    def arrive(self, sender: Sender, size: int) -> None:
        """So many bytes of an incomplete body are there by now; none: it is complete, or given up."""
        self._bytes += size - self._arriving.get(sender, 0)
        if size:
            self._arriving[sender] = size
            if self._must_wait(sender):
                self._held[sender] = None
                sender.hold()
        else:
            self._arriving.pop(sender, None)
            self._held.pop(sender, None)
            self._release()

    def begin(self, size: int) -> None:
        """A complete body waits to be answered."""
        self._bytes += size
        self._at_work += 1

    def end(self, size: int) -> None:
        """It is answered."""
        self._bytes -= size
        self._at_work -= 1
        self._release()

    def _must_wait(self, sender: Sender) -> bool:
        if self._bytes <= self._most_bytes:
            return False
        return self._at_work > 0 or sender is not next(iter(self._arriving))

    def _release(self) -> None:
        for sender in [each for each in self._held if not self._must_wait(each)]:
            del self._held[sender]
            sender.release()
