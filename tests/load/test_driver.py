"""Clients that wait for their answers ask as often as they are told to."""

import time

from load.driver import ClosedLoop
from load.schedule import Level


class Asked:
    """Answers nobody until it is told to."""

    def __init__(self):
        self.planned, self.waiting = [], []

    def ask(self, planned, done):
        self.planned.append(planned)
        self.waiting.append(done)

    def answer(self):
        self.waiting.pop(0)()


def test_a_begin_that_comes_a_little_early_counts_as_the_begin():
    client = Asked()
    ClosedLoop(client, Level(3, 5), begun=time.monotonic() + 60).begin()
    assert client.planned == [0.0] * 3


def test_each_answer_leads_to_the_next_question_until_all_were_asked():
    client = Asked()
    loop = ClosedLoop(client, Level(2, 5), begun=time.monotonic())
    loop.begin()
    assert len(client.planned) == 2
    while client.waiting:
        client.answer()
    assert len(client.planned) == 5
    assert loop.ended.is_set()


def test_after_a_stop_nobody_asks_again():
    client = Asked()
    loop = ClosedLoop(client, Level(2, 5), begun=time.monotonic())
    loop.begin()
    loop.stop()
    client.answer()
    assert len(client.planned) == 2


def test_no_more_clients_ask_than_there_are_questions():
    client = Asked()
    ClosedLoop(client, Level(9, 2), begun=time.monotonic()).begin()
    assert len(client.planned) == 2
