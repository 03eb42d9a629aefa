"""Memory of bodies is bounded, and nobody waits for ever."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from container.serving.bodies import Bodies

MOST = 100
BODY = 30


@dataclass(eq=False)
class Client:
    """Sends one body in pieces, as long as it is read from; its request is answered when the worker comes to it."""

    size: int
    bodies: Bodies
    sent: int = 0
    held: bool = False
    at_work: bool = False
    answered: bool = False

    def hold(self) -> None:
        self.held = True

    def release(self) -> None:
        self.held = False

    def send(self, count: int) -> None:
        self.sent = min(self.size, self.sent + count)
        if self.sent < self.size:
            self.bodies.arrive(self, self.sent)
        else:
            self.bodies.arrive(self, 0)
            self.bodies.begin(self.size)
            self.at_work = True

    def answer(self) -> None:
        self.at_work, self.answered = False, True
        self.bodies.end(self.size)


@dataclass
class Crowd:
    clients: list[Client] = field(default_factory=list)

    def can_send(self) -> list[Client]:
        return [each for each in self.clients if not (each.held or each.at_work or each.answered)]

    def waiting(self) -> list[Client]:
        return [each for each in self.clients if each.at_work]

    @property
    def bytes(self) -> int:
        return sum(each.sent for each in self.clients if not each.answered)


@given(
    st.lists(st.integers(1, BODY), min_size=1, max_size=20),
    st.integers(1, BODY),
    st.randoms(use_true_random=False),
)
def test_everybody_is_answered_within_the_limit(sizes, piece, random):
    bodies = Bodies(MOST)
    crowd = Crowd([Client(size, bodies) for size in sizes])
    while not all(each.answered for each in crowd.clients):
        moves = [lambda each=each: each.send(piece) for each in crowd.can_send()]
        moves += [crowd.waiting()[0].answer] if crowd.waiting() else []
        assert moves, "everybody waits for somebody"
        random.choice(moves)()
        # Each sender is held when it has gone too far, and the first one may bring its body to its end.
        assert crowd.bytes <= MOST + piece * len(sizes) + BODY
    assert bodies._bytes == 0


def test_as_many_uploads_as_fill_the_memory_do_not_wait_for_each_other():
    bodies = Bodies(MOST)
    first, *others = clients = [Client(BODY, bodies) for _ in range(5)]
    for client in clients:
        client.send(25)
    assert [client.held for client in clients] == [False, False, False, False, True]
    for client in others[:3]:
        client.send(1)
    assert [client.held for client in clients] == [False, True, True, True, True]
    first.send(5)
    assert not first.held
    first.answer()
    assert [client.held for client in others] == [False, True, True, True]


def test_while_something_is_worked_on_the_first_waits_too():
    bodies = Bodies(MOST)
    busy = Client(MOST, bodies)
    busy.send(MOST)
    other = Client(BODY, bodies)
    other.send(1)
    assert other.held
    busy.answer()
    assert not other.held


def test_a_client_that_goes_makes_room():
    bodies = Bodies(MOST)
    first, second = Client(BODY * 9, bodies), Client(BODY, bodies)
    first.send(MOST)
    second.send(1)
    assert (first.held, second.held) == (False, True)
    bodies.arrive(first, 0)
    assert not second.held
