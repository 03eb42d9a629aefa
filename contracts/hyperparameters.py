"""What one hyperparameter may be, and how the text of it becomes a value.

SageMaker hands every hyperparameter over as a string, so a string is what is read, wherever it was written.
"""

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Value = int | float | bool | str
Kind = Literal["integer", "number", "boolean", "text"]
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_SHOWN_CHARACTERS: Final = 40
# What the libraries' own integers hold.
_LARGEST_INTEGER: Final = 2**31 - 1


class InvalidHyperparameter(ValueError):
    """A hyperparameter is unknown, of another type, or out of range; the message names each and what is allowed."""


@dataclass(frozen=True)
class Hyperparameter:
    """One row of an algorithm's table."""

    name: str
    kind: Kind
    meaning: str
    default: Value | None = None
    """None: `otherwise` says where the value comes from."""
    otherwise: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    """An open lower end, in place of `minimum`."""
    words: tuple[str, ...] = ()
    """The allowed texts; for numbers, texts that are allowed beside them."""
    aliases: tuple[str, ...] = ()
    """Other names that people know it by."""

    @property
    def allowed(self) -> str:
        """Its values in words, for messages and documentation."""
        if self.kind == "boolean":
            return "true or false"
        words = " or ".join(filter(None, [", ".join(self.words[:-1]), *self.words[-1:]]))
        numbers = "" if self.kind == "text" else f"{_ARTICLES[self.kind]}{self._range}"
        return " or ".join(filter(None, [words, numbers]))

    @property
    def _range(self) -> str:
        if self.above is not None:
            return f" above {self.above:g}" + (f" up to {self.maximum:g}" if self.maximum is not None else "")
        if self.minimum is None:
            return ""
        return f" from {self.minimum:g}" + (f" to {self.maximum:g}" if self.maximum is not None else "")

    def read(self, text: str) -> Value:
        """The value that `text` stands for.

        Raises:
            InvalidHyperparameter: it stands for none that is allowed.
        """
        word = text.strip()
        if word in self.words:
            return word
        value = _PARSERS[self.kind](word.lower())
        if value is None or not self._within(value):
            raise InvalidHyperparameter(f"{self.name} is {shown(text)}; allowed is {self.allowed}")
        return value

    def _within(self, value: Value) -> bool:
        return isinstance(value, bool | str) or (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
        )


_ARTICLES: Final = {"integer": "an integer", "number": "a number"}


@dataclass(frozen=True)
class Deprecated:
    """Something that was allowed once: it is still read, and a warning says what became of it."""

    name: str
    warning: str
    text: str | None = None
    """Only this text of the hyperparameter `name` is deprecated; None: all of it is."""
    replacement: str | None = None
    """Read in place of `text`; None: nothing is."""


@dataclass(frozen=True)
class Table:
    """The hyperparameters of one algorithm."""

    hyperparameters: tuple[Hyperparameter, ...]
    deprecated: tuple[Deprecated, ...] = ()

    @property
    def names(self) -> list[str]:
        """Those that are current, without aliases."""
        return [one.name for one in self.hyperparameters]

    def read(self, given: Mapping[str, str]) -> "Reading":
        """Typed values of all hyperparameters: those that are given, and the defaults of the others.

        Raises:
            InvalidHyperparameter: one line for all faults together.
        """
        current, warnings = self._without_deprecated(given)
        known = {alias: one for one in self.hyperparameters for alias in (one.name, *one.aliases)}
        values: dict[str, Value | None] = {one.name: one.default for one in self.hyperparameters}
        written: dict[str, str] = {}
        faults = []
        for name, text in current.items():
            try:
                one = known.get(name)
                if one is None:
                    raise InvalidHyperparameter(unknown(name, [*known]))
                if one.name in written:
                    raise InvalidHyperparameter(f"{written[one.name]} and {name} are the same; give one of them")
                written[one.name] = name
                values[one.name] = one.read(text)
            except InvalidHyperparameter as fault:
                faults.append(str(fault))
        if faults:
            raise InvalidHyperparameter(". ".join(sorted(faults)))
        return Reading(values, tuple(warnings))

    def _without_deprecated(self, given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        current, warnings = dict(given), []
        for old in self.deprecated:
            if old.name in current and old.text in (None, current[old.name].strip()):
                warnings.append(old.warning)
                del current[old.name]
                if old.replacement is not None:
                    current[old.name] = old.replacement
        return current, warnings


@dataclass(frozen=True)
class Reading:
    """What a table made of the given texts."""

    values: Mapping[str, Value | None]
    """By the hyperparameters' own names; None where it is not given and has no fixed default."""
    warnings: tuple[str, ...] = ()
    """One line each, about what is deprecated."""


def unknown(name: str, known: Sequence[str]) -> str:
    """Says that there is no hyperparameter `name`, and which of the `known` names is nearest."""
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
    return f"{shown(name)} is unknown; did you mean {nearest}?"


def shown(text: str) -> str:
    """Text from outside as one short line of printable ASCII."""
    return ascii(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "...")


def as_text(value: Value) -> str:
    """A value as SageMaker wants it: a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _integer(text: str) -> int | None:
    try:
        value = int(text)
    except ValueError:
        return None
    return value if "_" not in text and abs(value) <= _LARGEST_INTEGER else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if "_" not in text and math.isfinite(value) else None


_PARSERS: Final[Mapping[Kind, Callable[[str], Value | None]]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _BOOLEANS.get,
    "text": lambda _text: None,  # one of the words, or nothing
}
