"""Pictures of an evaluation, as PNG files beside the report.

Names come from the dataset: they are shortened, kept to one line, and never read as formulae.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from container.training.evaluation.answers import Answers, ClassAnswers, NumberAnswers
from container.training.evaluation.classification import ranked
from contracts.metrics import METRICS
from contracts.reports import Evaluation, Scores
from contracts.scores import shown

_INK: Final = "#17202c"
_QUIET: Final = "#5a6778"
_CANDIDATE: Final = "#2457d6"
_OTHER: Final = "#d39b10"
_DPI: Final = 110
_NAME_CHARACTERS: Final = 24
# More classes than these leave no room for names or curves of each.
_NAMED_CLASSES: Final = 30
_COUNTED_CLASSES: Final = 15
_CURVES: Final = 8
_BARS: Final = 20
_POINTS: Final = 5_000
_SEED: Final = 42


def draw_plots(folder: Path, evaluation: Evaluation, truth: NDArray[Any], answers: Answers) -> tuple[Path, ...]:
    """Write `confusion_matrix.png`, `roc.png` and `calibration.png`, or `residuals.png` for a regression, and
    `scores.png` and `importance.png`.
    """
    plots: dict[str, Figure] = {"scores": _scores(evaluation), "importance": _importance(evaluation)}
    if isinstance(answers, ClassAnswers):
        plots["confusion_matrix"] = _confusion_matrix(evaluation)
        plots["roc"] = _roc(evaluation, truth, answers)
        plots["calibration"] = _calibration(evaluation)
    else:
        plots["residuals"] = _residuals(evaluation, truth, answers)
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_save(figure, folder / f"{name}.png") for name, figure in plots.items())


def _save(figure: Figure, path: Path) -> Path:
    FigureCanvasAgg(figure)
    # Without a date and the library's version the same evaluation gives the same bytes.
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    return path


def _figure(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", color=_INK, fontsize=12, pad=10, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_QUIET, labelsize=9)
    return figure, axes


def label(name: str, place: int) -> str:
    """One line of text that a picture has room for; a name that the font cannot show is called by its place, from 1."""
    line = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in name)
    if not all(_font().get_char_index(ord(each)) for each in line):
        return f"#{place + 1}"
    return line if len(line) <= _NAME_CHARACTERS else line[: _NAME_CHARACTERS - 1] + "…"


@functools.cache
def _font() -> FT2Font:
    """The one that comes with matplotlib and is its default."""
    return get_font(findfont("DejaVu Sans"))


def _name_ticks(axis: Axis, names: Sequence[str]) -> None:
    labels = [label(name, place) for place, name in enumerate(names)]
    axis.set_ticks(range(len(names)), labels, parse_math=False)


def _scores(evaluation: Evaluation) -> Figure:
    """Each metric on a scale of its own: they have no unit in common."""
    names = [name for name in evaluation.candidate.values if METRICS[name].comparable]
    figure = Figure(figsize=(7.2, 1.0 + 0.62 * max(len(names), 1)), layout="constrained", facecolor="white")
    rows = figure.subplots(max(len(names), 1), squeeze=False)[:, 0]
    told = "Candidate (blue) and champion (amber)" if evaluation.champion else "Candidate"
    figure.suptitle(f"{told} on {evaluation.test_rows:,} held-out rows", x=0.01, ha="left", color=_INK, fontsize=12)
    for axes in rows:
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(colors=_QUIET, labelsize=8)
        axes.set(ylim=(-1, 1), yticks=[])
    for axes, name in zip(rows, names, strict=False):
        axes.set_ylabel(METRICS[name].title, rotation=0, ha="right", va="center", color=_INK, fontsize=9)
        _score(axes, evaluation.candidate, name, 0.45, _CANDIDATE)
        if evaluation.champion and name in evaluation.champion.values:
            _score(axes, evaluation.champion, name, -0.45, _OTHER)
    return figure


def _score(axes: Axes, scores: Scores, name: str, height: float, colour: str) -> None:
    value, interval = scores.values[name], scores.intervals.get(name)
    if interval:
        axes.plot([interval.lower, interval.upper], [height, height], color=colour, linewidth=3, alpha=0.4)
    axes.plot([value], [height], color=colour, marker="o", markersize=7)
    text = shown(value, METRICS[name].reading)
    # Beside the scale: on it, texts would lie on each other's lines.
    axes.text(1.02, height, text, transform=axes.get_yaxis_transform(), va="center", fontsize=9, color=colour)


def _confusion_matrix(evaluation: Evaluation) -> Figure:
    counts = np.array(evaluation.confusion_matrix)
    size = len(counts)
    side = min(4.5 + 0.28 * size, 12.0)
    figure, axes = _figure(side + 0.8, side, f"Held-out rows by class and answer ({evaluation.test_rows:,} rows)")
    held = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, held, out=np.zeros(counts.shape), where=held > 0)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    bar = figure.colorbar(image, ax=axes, shrink=0.7, label="share of the class's rows")
    bar.ax.tick_params(labelsize=8, colors=_QUIET)
    axes.set_xlabel("answered", color=_QUIET)
    axes.set_ylabel("is", color=_QUIET)
    if size <= _NAMED_CLASSES:
        _name_ticks(axes.xaxis, evaluation.classes)
        _name_ticks(axes.yaxis, evaluation.classes)
        for text in axes.get_xticklabels():
            text.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
    else:
        axes.set_xlabel(f"answered (place among {size:,} classes, counted from 0)", color=_QUIET)
    if size <= _COUNTED_CLASSES:
        for row, column in np.ndindex(size, size):
            colour = "white" if shares[row, column] > 0.55 else _INK
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=9, color=colour)
    return figure


def _roc(evaluation: Evaluation, truth: NDArray[np.int64], answers: ClassAnswers) -> Figure:
    """One curve for each class that some but not all rows are of, at most as many as can be told apart."""
    figure, axes = _figure(5.8, 5.6, "ROC: each class against all others")
    held = np.bincount(truth, minlength=len(evaluation.classes))
    drawable = [each for each in ranked(len(evaluation.classes)) if 0 < held[each] < len(truth)]
    chosen = sorted(sorted(drawable, key=lambda each: -held[each])[:_CURVES])
    for each in chosen:
        false_share, true_share, _ = roc_curve(truth == each, answers.probabilities[:, each])
        axes.plot(false_share, true_share, linewidth=1.8, label=_legend_text(evaluation.classes[each], each))
    axes.plot([0, 1], [0, 1], color=_QUIET, linewidth=1, linestyle=":", label="_chance")
    axes.set_xlabel("share of other rows that rank above", color=_QUIET)
    axes.set_ylabel("share of the class's rows that are found", color=_QUIET)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    if chosen:
        more = len(drawable) - len(chosen)
        title = f"the {len(chosen)} largest of {len(drawable)} classes" if more else None
        _legend(axes, title, "lower right")
    return figure


def _calibration(evaluation: Evaluation) -> Figure:
    figure, axes = _figure(5.8, 5.6, "Calibration: how sure, and how often right")
    bins = evaluation.candidate.calibration
    axes.plot([0, 1], [0, 1], color=_QUIET, linewidth=1, linestyle=":", label="as sure as right")
    confidences = [each.confidence for each in bins]
    axes.plot(confidences, [each.accuracy for each in bins], color=_CANDIDATE, linewidth=1.2, label="candidate")
    largest = max(each.rows for each in bins)
    sizes = [20 + 180 * each.rows / largest for each in bins]
    axes.scatter(confidences, [each.accuracy for each in bins], s=sizes, color=_CANDIDATE, alpha=0.75, zorder=3)
    if evaluation.champion and evaluation.champion.calibration:
        champions = evaluation.champion.calibration
        axes.plot(
            [each.confidence for each in champions],
            [each.accuracy for each in champions],
            color=_OTHER,
            linewidth=1.2,
            marker="o",
            markersize=4,
            label="champion",
        )
    axes.set_xlabel("probability of the answer (a dot's area is its rows)", color=_QUIET)
    axes.set_ylabel("share answered right", color=_QUIET)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    _legend(axes, None, "upper left")
    return figure


def _residuals(evaluation: Evaluation, truth: NDArray[np.float64], answers: NumberAnswers) -> Figure:
    title = f"Residuals of {evaluation.test_rows:,} held-out rows"
    rows = np.arange(len(truth))
    if len(rows) > _POINTS:
        rows = np.random.default_rng(_SEED).choice(rows, _POINTS, replace=False)
        title += f" ({_POINTS:,} shown)"
    figure, axes = _figure(7.2, 4.8, title)
    finite = rows[np.isfinite(answers.values[rows])]
    off = answers.values[finite] - truth[finite]
    visibility = min(0.8, max(0.15, 300 / max(len(finite), 1)))
    axes.scatter(answers.values[finite], off, s=14, color=_CANDIDATE, alpha=visibility, edgecolors="none")
    axes.axhline(0, color=_QUIET, linewidth=1, linestyle=":")
    axes.set_xlabel("answer, in the label's unit", color=_QUIET)
    axes.set_ylabel("answer minus label", color=_QUIET)
    return figure


def _importance(evaluation: Evaluation) -> Figure:
    shown = evaluation.importance[:_BARS]
    more = len(evaluation.importance) - len(shown)
    title = "Features the answers hang on" + (f" (the first {len(shown)})" if more > 0 else "")
    figure, axes = _figure(7.2, 1.6 + 0.3 * max(len(shown), 3), title)
    axes.barh(
        range(len(shown)),
        [each.loss for each in shown],
        xerr=[each.deviation for each in shown],
        color=_CANDIDATE,
        height=0.7,
        error_kw={"ecolor": _QUIET, "elinewidth": 1},
    )
    _name_ticks(axes.yaxis, [each.feature for each in shown])
    axes.invert_yaxis()
    axes.axvline(0, color=_QUIET, linewidth=0.8)
    what = "accuracy lost" if evaluation.task == "classification" else "RMSE gained"
    axes.set_xlabel(f"{what} when the feature's values are shuffled", color=_QUIET)
    return figure


def _legend_text(name: str, place: int) -> str:
    """What begins with an underscore is kept out of legends."""
    return label(name, place).replace("_", " _", 1) if name.startswith("_") else label(name, place)


def _legend(axes: Axes, title: str | None, place: Literal["lower right", "upper left"]) -> None:
    legend = axes.legend(loc=place, title=title, fontsize=8, title_fontsize=8, frameon=False, labelcolor=_INK)
    for text in legend.get_texts():
        text.set_parse_math(False)
