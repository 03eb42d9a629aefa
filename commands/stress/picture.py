"""The course of a stress test as one SVG: rate, latency, instances and errors above one time axis."""

import html
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_WIDTH, _LEFT, _RIGHT, _TOP = 960, 70, 20, 34
_PANEL, _GAP = 130, 46
_TICKS = 5
_PERCENTILES = ("p50", "p90", "p99", "p99.9")

Value = Callable[[dict[str, Any]], float | None]


@dataclass(frozen=True)
class _Scale:
    """From values to heights; ``low`` above 0 makes it logarithmic."""

    high: float
    top: float
    low: float = 0.0

    def height(self, value: float) -> float:
        if self.low:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = value / self.high
        return self.top + _PANEL * (1 - min(max(share, 0), 1))

    def ticks(self) -> list[float]:
        if self.low:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        size = _nice(self.high / 3)
        return [size * number for number in range(int(self.high / size) + 1)]


def picture(told: dict[str, Any]) -> str:
    """Of a report. Colours are the page's, by classes."""
    return "\n".join(_Picture(told).lines())


class _Picture:
    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self._points: list[dict[str, Any]] = told["points"]
        self._end = max(float(told["seconds"]), 1.0)
        panels = 4
        self._height = _TOP + panels * _PANEL + (panels - 1) * _GAP + 50

    def lines(self) -> Iterator[str]:
        label = (
            "Request rate, latency, instances and errors over the time of the test; the tables below have the numbers"
        )
        yield (
            f'<svg class="course" viewBox="0 0 {_WIDTH} {self._height}" role="img" aria-label="{label}" font-size="12">'
        )
        yield from self._late()
        yield from self._activities()
        yield from self._rate(self._top(0))
        yield from self._latency(self._top(1))
        yield from self._instances(self._top(2))
        yield from self._errors(self._top(3))
        yield from self._time()
        yield "</svg>"

    def _rate(self, top: float) -> Iterator[str]:
        rates: dict[str, Value] = {
            "planned": lambda point: point["planned"],
            "sent": lambda point: point["sent"] / point["seconds"],
            # When they came: an endpoint that is asked for more than it can do answers the rest later.
            "answered": lambda point: point["arrived"] / point["seconds"],
        }
        scale = _Scale(self._highest(*rates.values()), top)
        yield from self._frame(scale, "Requests a second", list(rates))
        for name, value in rates.items():
            yield from self._line(scale, name, value)

    def _latency(self, top: float) -> Iterator[str]:
        found = [value for point in self._points for value in point["latency_milliseconds"].values()]
        low = 10.0 ** math.floor(math.log10(max(min(found, default=1.0), 0.01)))
        high = 10.0 ** math.ceil(math.log10(max(max(found, default=10.0), low * 10)))
        scale = _Scale(high, top, low)
        yield from self._frame(scale, "Latency, ms (logarithmic)", [*_PERCENTILES, "objective"])
        objective = scale.height(self._told["asked"]["objective_milliseconds"])
        yield f'<line class="objective" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{objective:.1f}" y2="{objective:.1f}"/>'
        for name in _PERCENTILES:
            yield from self._line(scale, name, lambda point, name=name: point["latency_milliseconds"].get(name))  # type: ignore[misc]

    def _instances(self, top: float) -> Iterator[str]:
        seen = self._told["instances"]
        highest = max((max(each["current"], each["desired"]) for each in seen), default=1)
        scale = _Scale(max(highest + 1, 2), top)
        yield from self._frame(scale, "Instances, and scaling activities when they were seen", ["desired", "current"])
        for name in ("desired", "current"):
            places: list[str] = []
            former: float | None = None
            for each in seen:
                x, y = self._x(each["seen"]), scale.height(each[name])
                places += [] if former is None else [f"{x:.1f},{former:.1f}"]
                places.append(f"{x:.1f},{y:.1f}")
                former = y
            yield f'<polyline class="line {name}" points="{" ".join(places)}"/>'

    def _errors(self, top: float) -> Iterator[str]:
        counts: Value = lambda point: sum(point["failures"].values()) / point["seconds"]  # noqa: E731
        scale = _Scale(self._highest(counts), top)
        yield from self._frame(scale, "Errors a second", ["errors"])
        for point in self._points:
            if count := counts(point):
                x, end = self._x(point["begins"]), self._x(point["begins"] + point["seconds"])
                y = scale.height(count)
                yield (
                    f'<rect class="errors" x="{x:.1f}" width="{max(end - x, 1):.1f}" y="{y:.1f}" '
                    f'height="{top + _PANEL - y:.1f}"/>'
                )

    def _late(self) -> Iterator[str]:
        """Behind everything: where the generator was late, the other panels say less about the endpoint."""
        for point in self._points:
            if point["late_seconds"] > self._told["late_above_seconds"]:
                x, end = self._x(point["begins"]), self._x(point["begins"] + point["seconds"])
                bottom = self._top(3) + _PANEL - _TOP
                yield f'<rect class="late" x="{x:.1f}" width="{max(end - x, 1):.1f}" y="{_TOP}" height="{bottom}"/>'

    def _activities(self) -> Iterator[str]:
        top = self._top(2)
        for each in self._told["activities"]:
            x, said = self._x(each["seen"]), html.escape(f"{each['description']} {each['cause']}")
            place = f'x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + _PANEL}"'
            yield f'<line class="activity" {place}><title>{said}</title></line>'

    def _time(self) -> Iterator[str]:
        bottom = self._top(3) + _PANEL
        size = _nice(self._end / _TICKS)
        for number in range(int(self._end / size) + 1):
            x = self._x(size * number)
            yield f'<text class="tick" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{size * number:g}</text>'
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        said = "seconds of real time since the first request"
        yield f'<text x="{middle}" y="{bottom + 36}" text-anchor="middle">{said}</text>'

    def _frame(self, scale: _Scale, title: str, names: Sequence[str]) -> Iterator[str]:
        yield f'<text class="title" x="{_LEFT}" y="{scale.top - 10}">{title}</text>'
        x = _WIDTH - _RIGHT
        for name in reversed(names):
            yield f'<text x="{x}" y="{scale.top - 10}" text-anchor="end">{name}</text>'
            x -= 8 + 7 * len(name)
            y = scale.top - 14
            yield f'<line class="line {_class(name)}" x1="{x - 18}" x2="{x}" y1="{y}" y2="{y}"/>'
            x -= 30
        for tick in scale.ticks():
            y = scale.height(tick)
            yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:,g}</text>'

    def _line(self, scale: _Scale, name: str, value: Value) -> Iterator[str]:
        """Broken where there is no value, and between parts."""
        places: list[str] = []
        part = None
        for point in [*self._points, None]:
            found = value(point) if point else None
            if places and (point is None or found is None or point["part"] != part):
                yield f'<polyline class="line {_class(name)}" points="{" ".join(places)}"/>'
                places = []
            if point is not None and found is not None:
                part = point["part"]
                places.append(f"{self._x(point['begins'] + point['seconds'] / 2):.1f},{scale.height(found):.1f}")

    def _highest(self, *values: Value) -> float:
        found = max((value(point) or 0.0 for point in self._points for value in values), default=0.0)
        return float(found) * 1.05 or 1.0

    def _x(self, second: float) -> float:
        share: float = min(max(second / self._end, 0), 1)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share

    def _top(self, panel: int) -> float:
        return _TOP + panel * (_PANEL + _GAP)


def _class(name: str) -> str:
    return name.replace(".", "-")


def _nice(size: float) -> float:
    """The next of 1, 2, 5, 10, 20, …"""
    power = 10.0 ** math.floor(math.log10(size))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= size * (1 - 1e-9))
