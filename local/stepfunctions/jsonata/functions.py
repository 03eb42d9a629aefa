"""The functions Step Functions adds to JSONata or gives another meaning.

Source: "Transforming data with JSONata in Step Functions" in the developer guide. `$eval` does not exist there:
`$parse` reads JSON text instead.
"""

import functools
import hashlib
import json
import math
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata

from local.stepfunctions.jsonata.java_random import first_double
from local.stepfunctions.jsonata.values import to_engine, to_json

_HASHES: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
# JSONata's own limit for `[a..b]`; AWS ends such an expression for its memory.
_MOST_ITEMS = 1_000_000


class FunctionFault(ValueError):
    """An argument that one of these functions does not take; there is no JSONata error code for it."""


@dataclass(frozen=True)
class Surroundings:
    """Everything an expression may ask about the world: the time and chance."""

    now: Callable[[], float]
    """Epoch seconds of the cloud."""
    chance: random.Random


class _Function(Jsonata.JFunction):  # type: ignore[misc]
    """A Python function with a JSONata signature, which the engine checks before the call."""

    def __init__(self, name: str, implementation: Callable[..., Any], signature: str, parameters: int) -> None:
        super().__init__(None, signature)
        self.signature.set_function_name(name)
        self.function_name = name
        self._implementation = implementation
        self._parameters = parameters

    def call(self, input: Any, args: Sequence[Any] | None) -> Any:  # noqa: A002, ARG002 - the signature is the engine's
        given = list(args or ())[: self._parameters]
        return self._implementation(*given, *[None] * (self._parameters - len(given)))

    def get_number_of_args(self) -> int:
        return self._parameters


def bindings(surroundings: Surroundings) -> dict[str, Any]:
    """By name without the dollar sign, for one evaluation."""
    chance = surroundings.chance

    @functools.cache
    def milliseconds() -> int:
        # JSONata's rule: one time for the whole expression.
        return int(surroundings.now() * 1000)

    def now(picture: str | None, timezone: str | None) -> str:
        return str(Functions.datetime_from_millis(milliseconds(), picture, timezone))

    return _CONSTANT | {
        "now": _Function("now", now, "<s?s?:s>", 2),
        "millis": _Function("millis", milliseconds, "<:n>", 0),
        "random": _Function("random", functools.partial(_random, chance), "<n?:n>", 1),
        "uuid": _Function("uuid", functools.partial(_uuid, chance), "<:s>", 0),
        "shuffle": _Function("shuffle", functools.partial(_shuffled, chance), "<a:a>", 1),
    }


def _random(chance: random.Random, seed: float | None) -> float:
    return chance.random() if seed is None else first_double(int(seed))


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _shuffled(chance: random.Random, values: list[Any] | None) -> list[Any] | None:
    if values is None:
        return None
    shuffled = list(values)
    chance.shuffle(shuffled)
    return shuffled


def _partition(values: list[Any] | None, size: float | None) -> list[list[Any]] | None:
    if values is None:
        return None
    if size is None or size < 1 or size != int(size):
        raise FunctionFault("The second argument of $partition must be a positive integer")
    return [list(values[start : start + int(size)]) for start in range(0, len(values), int(size))]


def _range(first: float | None, last: float | None, step: float | None) -> list[float] | None:
    if first is None or last is None or step is None:
        return None
    if step == 0:
        raise FunctionFault("The third argument of $range must not be 0")
    count = max(0, math.floor((last - first) / step) + 1)
    if count > _MOST_ITEMS:
        raise FunctionFault(f"$range must not give more than {_MOST_ITEMS} items")
    return [first + position * step for position in range(count)]


def _hash(text: str | None, algorithm: str | None) -> str | None:
    if text is None:
        return None
    if algorithm not in _HASHES:
        raise FunctionFault(f"The second argument of $hash must be one of {', '.join(_HASHES)}")
    return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _parse(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return to_engine(json.loads(text))
    except ValueError as fault:
        raise FunctionFault(f"The argument of $parse is not JSON: {fault}") from fault


def _number(value: Any) -> float | None:
    try:
        number: float | None = Functions.number(value)
    except ValueError as fault:
        raise JException("D3030", -1, value) from fault
    return number


def _string(value: Any, prettify: bool | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return to_json(value, indent="  " if prettify else None)


_CONSTANT: Final[Mapping[str, Any]] = {
    "partition": _Function("partition", _partition, "<an:a>", 2),
    "range": _Function("range", _range, "<nnn:a>", 3),
    "hash": _Function("hash", _hash, "<ss:s>", 2),
    "parse": _Function("parse", _parse, "<s:x>", 1),
    # The port escapes what is not ASCII and does not round numbers inside a structure.
    "string": _Function("string", _string, "<x-b?:s>", 2),
    "number": _Function("number", _number, "<(nsb)-:n>", 1),
    "eval": None,
}
