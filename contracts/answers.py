"""Whether an endpoint gives the answers that the training job recorded in its report."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.reports import Example, Stream, UnreadableReport, read_evaluation

# A mail that lists more differences is not read.
_DIFFERENCES_TOLD = 5


@dataclass(frozen=True)
class Answer:
    """What one production variant answered for a row of text/csv, beside what was expected."""

    row: str
    expected: str
    answer: str
    variant: str
    right: bool
    """The same text; of a number, near enough to be the same on another machine."""


@dataclass(frozen=True)
class Reply:
    """An endpoint's reply: the body, text/csv with one answer per line, and the variant that gave it."""

    body: bytes
    variant: str

    def answers(self) -> tuple[str, ...]:
        """One class or number per request row. Bytes that are no UTF-8 are kept visible, they only have to differ."""
        lines = self.body.decode("utf-8", errors="backslashreplace").splitlines()
        return tuple(_single_cell(line) for line in lines if line.strip())


def request_body(examples: Sequence[Example]) -> bytes:
    """The examples' rows as one text/csv request."""
    return "".join(f"{example.row}\n" for example in examples).encode()


def recorded_examples(archive: Stream) -> tuple[Example, ...]:
    """The examples in a job's `output.tar.gz`.

    Raises:
        UnreadableReport: no report in it, or one without examples: there is nothing to compare answers with.
    """
    examples = read_evaluation(archive).examples
    if not examples:
        raise UnreadableReport("the report holds no examples to compare answers with")
    return examples


def examine(
    examples: Sequence[Example], ask: Callable[[Sequence[Example]], Reply]
) -> tuple[tuple[Answer, ...], tuple[str, ...]]:
    """Ask for all examples in one request and for the first one alone: the answers, and every difference.

    A server may treat a batch and a single row differently, and callers mostly send single rows.
    """
    answers, differences = compare(examples, ask(examples))
    _, alone = compare(examples[:1], ask(examples[:1]))
    return answers, (*differences, *(f"Asked alone: {difference}" for difference in alone))


def compare(examples: Sequence[Example], reply: Reply) -> tuple[tuple[Answer, ...], tuple[str, ...]]:
    """The answers of one reply to `examples`, and every difference as a sentence."""
    found = reply.answers()
    if len(found) != len(examples):
        return (), (f"{len(examples)} rows were sent and {len(found)} answers came back.",)
    answers = tuple(
        Answer(example.row, example.answer, answer, reply.variant, _agrees(answer, example))
        for example, answer in zip(examples, found, strict=True)
    )
    differences = tuple(
        f"The row {answer.row} was answered with {answer.answer!r}, expected was {answer.expected!r}."
        for answer in answers
        if not answer.right
    )
    return answers, differences


def _agrees(answer: str, example: Example) -> bool:
    if example.tolerance is None:
        return answer == example.answer
    try:
        return abs(float(answer) - float(example.answer)) <= example.tolerance
    except ValueError:  # no number
        return False


def tell(differences: Sequence[str]) -> str:
    """The first few differences, and how many more there are."""
    more = len(differences) - _DIFFERENCES_TOLD
    told = list(differences[:_DIFFERENCES_TOLD])
    if more > 0:
        told.append(f"{more} more answers differ.")
    return "\n".join(told)


def _single_cell(line: str) -> str:
    """A class that holds a comma comes quoted; an unquoted second column is no class of ours and stays visible."""
    cells = next(csv.reader([line]), [])
    return cells[0].strip() if len(cells) == 1 else line.strip()
