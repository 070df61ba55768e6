"""The pictures of a search."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from digitkit.core.files import atomic_path

if TYPE_CHECKING:
    from digitkit.learn.tune.results import Entry

FINISHED, GIVEN_UP, BEST = "#2a7f62", "#999999", "#b3261e"
MOST_AXES = 6  # that are drawn value by value, the most important ones


def importance(shares: Mapping[str, float], entries: Sequence["Entry"], path: Path) -> None:
    """Which axis matters how much, and how each of its values went."""
    names = list(shares)[:MOST_AXES]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4 + 3.2 * columns, max(3.2, 2.8 * rows)), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[4, 3.2 * columns], squeeze=False)[0]
    bars: Axes = left.subplots()
    bars.barh(list(shares)[::-1], [100 * share for share in list(shares.values())[::-1]], color=FINISHED)
    bars.set(title="share in the differences, %")
    for name, axes in zip(names, right.subplots(rows, columns, squeeze=False).flat, strict=False):
        _slice(axes, name, [entry for entry in entries if entry.state == "finished"])
    for axes in right.axes[len(names) :]:
        axes.axis("off")
    _save(figure, path)


def _slice(axes: Axes, name: str, entries: Sequence["Entry"]) -> None:
    """Errors over the values of one axis."""
    values = [entry.settings[name] for entry in entries]
    errors = [100 * (1 - (entry.accuracy or 0.0)) for entry in entries]
    if any(isinstance(value, str) for value in values):
        options = sorted(set(map(str, values)), key=lambda text: (len(text), text))
        axes.set_xticks(range(len(options)), options)
        axes.scatter([options.index(str(value)) for value in values], errors, color=FINISHED, s=16, alpha=0.7)
    else:
        numbers = [float(value) for value in values]
        axes.scatter(numbers, errors, color=FINISHED, s=16, alpha=0.7)
        if min(numbers) > 0 and max(numbers) > 30 * min(numbers):
            axes.set_xscale("log")
        elif all(isinstance(value, int) for value in values):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(name)
    axes.set_ylabel("errors, %")
    _let_errors_spread(axes, errors)


def history(entries: Sequence["Entry"], path: Path) -> None:
    """The errors of each trial in turn, and of the best so far."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes: Axes = figure.subplots()
    shown = sorted((entry for entry in entries if entry.accuracy is not None), key=lambda entry: entry.trial)
    for state, marker, colour in (("finished", "o", FINISHED), ("given up", "x", GIVEN_UP)):
        some = [entry for entry in shown if entry.state == state]
        errors = [100 * (1 - (entry.accuracy or 0.0)) for entry in some]
        axes.scatter([entry.trial for entry in some], errors, marker=marker, color=colour, label=state, s=24)
    finished = [entry for entry in shown if entry.state == "finished"]
    least = [100 * (1 - max(entry.accuracy or 0.0 for entry in finished[: n + 1])) for n in range(len(finished))]
    axes.step([entry.trial for entry in finished], least, where="post", color=BEST, label="best so far")
    axes.set(title="errors on validation", xlabel="trial", ylabel="%")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _let_errors_spread(axes, [100 * (1 - (entry.accuracy or 0.0)) for entry in shown])
    axes.legend()
    _save(figure, path)


def _let_errors_spread(axes: Axes, errors: Sequence[float]) -> None:
    """A few hopeless settings must not press the good ones together."""
    if errors and min(errors) > 0 and max(errors) > 10 * min(errors):
        axes.set_yscale("log")
        for choose in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            choose(FuncFormatter(lambda value, place: f"{value:g}"))


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
