"""SVGs of the comparison. Colours are the page's, by classes."""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from commands.elasticity.policies import DEFAULT, METRIC_ALONE, RECOMMENDED

_WIDTH, _LEFT, _RIGHT, _TOP = 960, 150, 20, 30
_PANEL, _GAP, _STRIP = 130, 46, 22
_MINUTE = 60
_DRAWN = {DEFAULT: "default", METRIC_ALONE: "metric", RECOMMENDED: "recommended"}
"""Policies whose instances are drawn, by class: more lines would hide each other."""


def course(told: Mapping[str, Any]) -> str:
    """Load, instances and seconds over the objective above one time axis."""
    return "\n".join(_Course(told).lines())


def summary(policies: Mapping[str, Mapping[str, Any]]) -> str:
    """Seconds over the objective and instance-hours of each policy, as bars."""
    return "\n".join(_bars(policies))


class _Course:
    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told, self._policies = told, told["policies"]
        self._seconds = float(told["seconds"])
        self._strips = _TOP + 2 * (_PANEL + _GAP)
        self._bottom = self._strips + len(self._policies) * _STRIP

    def lines(self) -> Iterator[str]:
        label = "Load, instances and seconds over the objective on one time axis; the tables below have the numbers"
        yield (
            f'<svg class="picture" viewBox="0 0 {_WIDTH} {self._bottom + 44}" role="img" aria-label="{label}" '
            'font-size="12">'
        )
        yield from self._time()
        yield from self._load()
        yield from self._instances()
        yield from self._over()
        yield "</svg>"

    def _load(self) -> Iterator[str]:
        rates: Sequence[float] = self._told["rate"]
        high = _round_up(max(rates))
        yield from _frame(_TOP, high, "Requests a second")
        size = self._told["point_seconds"]
        places = " ".join(
            f"{self._x((number + 0.5) * size):.1f},{_y(_TOP, rate, high):.1f}" for number, rate in enumerate(rates)
        )
        yield f'<polyline class="line load" points="{places}"/>'

    def _instances(self) -> Iterator[str]:
        top = _TOP + _PANEL + _GAP
        highest = max(count for each in self._policies.values() for _, count in each["instances"])
        high = _round_up(highest)
        yield from _frame(top, high, "Instances in service")
        drawn = [name for name in _DRAWN if name in self._policies]
        x = float(_WIDTH - _RIGHT)
        for name in reversed(drawn):
            yield f'<text x="{x}" y="{top - 10}" text-anchor="end">{html.escape(name)}</text>'
            x -= 8 + 7.8 * len(name)
            yield f'<line class="line {_DRAWN[name]}" x1="{x - 20}" x2="{x}" y1="{top - 14}" y2="{top - 14}"/>'
            x -= 34
        # So that lines at the same height are all seen.
        for shift, name in enumerate(drawn):
            places: list[str] = []
            for since, count in self._policies[name]["instances"]:
                y = _y(top, count, high) + 2.5 * (shift - 1)
                places += [f"{self._x(since):.1f},{places[-1].split(',')[1]}"] if places else []
                places.append(f"{self._x(since):.1f},{y:.1f}")
            places.append(f"{self._x(self._seconds):.1f},{places[-1].split(',')[1]}")
            yield f'<polyline class="line {_DRAWN[name]}" points="{" ".join(places)}"/>'

    def _over(self) -> Iterator[str]:
        yield f'<text class="title" x="{_LEFT}" y="{self._strips - 10}">Seconds over the objective</text>'
        for number, (name, each) in enumerate(self._policies.items()):
            y = self._strips + number * _STRIP
            width = float(_WIDTH - _LEFT - _RIGHT)
            yield f'<text x="{_LEFT - 10}" y="{y + 15}" text-anchor="end">{html.escape(name)}</text>'
            yield f'<rect class="strip" x="{_LEFT}" y="{y + 3}" width="{width}" height="{_STRIP - 6}"/>'
            for first, after in each["over"]:
                x = self._x(first)
                width = max(self._x(after) - x, 0.5)
                yield f'<rect class="over" x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="{_STRIP - 6}"/>'

    def _time(self) -> Iterator[str]:
        size = max(round(self._seconds / _MINUTE / 8 / 5) * 5, 5)
        for minute in range(0, int(self._seconds / _MINUTE) + 1, size):
            x = self._x(minute * _MINUTE)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{self._bottom}"/>'
            yield f'<text class="tick" x="{x:.1f}" y="{self._bottom + 16}" text-anchor="middle">{minute}</text>'
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        yield f'<text x="{middle}" y="{self._bottom + 36}" text-anchor="middle">minutes</text>'

    def _x(self, second: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * second / self._seconds


def _bars(policies: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    row, top, half = 30, 34, (_WIDTH - _LEFT) / 2
    height = top + row * len(policies) + 10
    label = "Seconds over the objective and instance-hours of each policy, all traces together"
    yield f'<svg class="picture" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}" font-size="12">'
    for column, (key, title, share) in enumerate(
        (
            ("seconds_over", "Seconds over the objective", "share_of_seconds"),
            ("instance_hours", "Instance-hours", "share_of_hours"),
        )
    ):
        left = _LEFT + column * half
        most = max(each[key] for each in policies.values()) or 1
        yield f'<text class="title" x="{left}" y="{top - 14}">{title}</text>'
        for number, (name, each) in enumerate(policies.items()):
            y, width = top + number * row, (half - 130) * each[key] / most
            marked = name if name in (DEFAULT, RECOMMENDED) else METRIC_ALONE
            if not column:
                yield f'<text x="{_LEFT - 10}" y="{y + 15}" text-anchor="end">{html.escape(name)}</text>'
            yield f'<rect class="bar {_DRAWN[marked]}" x="{left}" y="{y}" width="{width:.1f}" height="{row - 10}"/>'
            against = f" ({each[share]:.2f})" if each[share] is not None else ""
            yield f'<text x="{left + width + 6:.1f}" y="{y + 15}">{each[key]:,.0f}{against}</text>'
    yield "</svg>"


def _frame(top: float, high: float, title: str) -> Iterator[str]:
    yield f'<text class="title" x="{_LEFT}" y="{top - 10}">{title}</text>'
    for part in range(5):
        value = high * part / 4
        y = _y(top, value, high)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'


def _y(top: float, value: float, high: float) -> float:
    return top + _PANEL * (1 - value / high)


def _round_up(value: float) -> int:
    """To what four even ticks divide."""
    for size in (4, 8, 12, 20, 40, 60, 80, 100, 120, 160, 200, 400):
        if value <= size:
            return size
    return -(-int(value) // 400) * 400
