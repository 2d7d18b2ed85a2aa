"""The figures of a view: matplotlib figures for the card (SVG, PNG), and the same drawings inside the report.

Labels from datasets are drawn as they are: no mathematics is parsed in them, control characters are replaced.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pairforge.errors import RunError, require
from pairforge.filters.sweep import ArmResult
from pairforge.filters.sweep import label as arm_label
from pairforge.report.mathml import printable
from pairforge.report.statistics import ViewStatistics
from pairforge.run.atomic import replacing, write_text
from pairforge.run.view_record import FunnelStep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure


CHOSEN, REJECTED, NEUTRAL, WRONG = "#3f7fbf", "#e08a2c", "#7f8c99", "#c0504d"
_INK = "#010203"  # stands for the page's own text colour in drawings that go into the report
_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10,
    "font.family": "sans-serif",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def view_figures(statistics: ViewStatistics) -> dict[str, Callable[[], Figure]]:
    """Name -> a function that draws it, for everything a view has data for."""
    figures: dict[str, Callable[[], Figure]] = {"funnel": lambda: funnel_figure(statistics.funnel)}
    if statistics.summary.pairs:
        figures |= {
            "lengths": lambda: lengths_figure(statistics),
            "gap": lambda: gap_figure(statistics),
            "sources": lambda: sources_figure(statistics),
        }
        if statistics.gap_by_pass_rate:
            figures["difficulty"] = lambda: difficulty_figure(statistics)
    if statistics.drops:
        figures["drops"] = lambda: drops_figure(statistics.drops)
    return figures


def funnel_figure(funnel: Sequence[FunnelStep]) -> Figure:
    """Problems that still have a candidate after each rule."""
    steps = [label(step.step) for step in funnel]
    return _bars(steps, [step.problems for step in funnel], "problems left after each rule", NEUTRAL)


def drops_figure(drops: Sequence[tuple[str, str, int]]) -> Figure:
    """Problems and rows that were dropped, by reason."""
    shown = list(drops)[:14]
    return _bars([label(reason) for _, reason, _ in shown], [n for _, _, n in shown], "dropped, by reason", WRONG)


def lengths_figure(statistics: ViewStatistics) -> Figure:
    """How long both sides are."""

    def draw(axes: Axes) -> None:
        edges = statistics.length_edges
        for name, counts, colour in (
            ("rejected", statistics.rejected_lengths, REJECTED),
            ("chosen", statistics.chosen_lengths, CHOSEN),
        ):
            axes.stairs(counts, edges, fill=True, alpha=0.45, color=colour, label=name)
            axes.stairs(counts, edges, color=colour)
        axes.set_xscale("log")
        _plain_log_ticks(axes.xaxis)
        _whole_numbers(axes.yaxis)
        axes.set(xlabel="completion tokens (log scale)", ylabel="pairs", title="lengths of both sides")
        axes.legend(frameon=False)

    return _figure(draw)


def gap_figure(statistics: ViewStatistics) -> Figure:
    """The gap between the sides."""

    def draw(axes: Axes) -> None:
        axes.stairs(statistics.gaps, statistics.gap_edges, fill=True, color=CHOSEN, alpha=0.7)
        _whole_numbers(axes.yaxis)
        mean = statistics.summary.means["gap_tokens"]
        if mean is not None:
            axes.axvline(mean, color=WRONG, linestyle="--", linewidth=1, label=f"mean {mean:,.0f}")
            axes.legend(frameon=False)
        axes.set(xlabel="gap: chosen - rejected (tokens)", ylabel="pairs", title="length gap")

    return _figure(draw)


def difficulty_figure(statistics: ViewStatistics) -> Figure:
    """The gap of pairs from easy and from hard problems: quartiles and median per pass rate."""

    def draw(axes: Axes) -> None:
        rows = statistics.gap_by_pass_rate
        for at, (_, low, middle, high, _) in enumerate(rows):
            axes.plot([at, at], [low, high], color=CHOSEN, linewidth=9, alpha=0.45, solid_capstyle="butt")
            axes.plot([at - 0.2, at + 0.2], [middle, middle], color=CHOSEN, linewidth=2)
        axes.set_xlim(-0.6, max(len(rows) - 0.4, 2.6))
        axes.set_xticks(range(len(rows)), [f"{rate:.0%}\n{n:,}" for rate, _, _, _, n in rows])
        axes.set(xlabel="pass rate of the problem; pairs", ylabel="gap (tokens)", title="gap against difficulty")

    return _figure(draw)


def sources_figure(statistics: ViewStatistics) -> Figure:
    """Which sources the pairs come from, against all problems."""

    def draw(axes: Axes) -> None:
        rows = statistics.sources[:10][::-1]
        places = range(len(rows))
        axes.barh([p + 0.2 for p in places], [r.pair_share for r in rows], 0.38, color=CHOSEN, label="pairs")
        axes.barh([p - 0.2 for p in places], [r.problem_share for r in rows], 0.38, color=NEUTRAL, label="problems")
        axes.set_yticks(list(places), [label(r.value) for r in rows])
        axes.set(xlabel="share", title="sources")
        axes.legend(frameon=False)

    return _figure(draw, height=1.6 + 0.35 * min(len(statistics.sources), 10))


def sweep_figure(results: Sequence[ArmResult]) -> Figure:
    """Pairs and mean gap of every rule set, and its pairs against what it selects for."""
    names = _arm_names(results)
    lines = sum(name.count("\n") + 1 for name in names)

    def bars(axes: Axes) -> None:
        places = range(len(results))[::-1]
        for _, colour, comparable in _COMPARABLE:
            own = [(place, one) for place, one in zip(places, results, strict=True) if one.comparable == comparable]
            if own:
                axes.barh([place for place, _ in own], [one.pairs for _, one in own], color=colour)
        axes.set_yticks(list(places), names)
        for place, result in zip(places, results, strict=True):
            gap = result.means.get("gap_tokens")
            note = "no pairs" if gap is None else f"mean gap {gap:,.0f}"
            axes.annotate(f" {result.pairs:,}, {note}", (result.pairs, place), va="center", fontsize=8)
        axes.margins(x=0.4)
        _whole_numbers(axes.xaxis)
        axes.set(xlabel="pairs", title="rule sets")

    def scatter(axes: Axes) -> None:
        known = [(at, one) for at, one in enumerate(results, start=1) if one.selection_shift is not None]
        for kind, colour, comparable in _COMPARABLE:
            own = [one for _, one in known if one.comparable == comparable]
            shifts = [one.selection_shift or 0 for one in own]
            axes.scatter(shifts, [one.pairs for one in own], color=colour, s=28, label=kind if own else None)
        if not all(one.comparable for _, one in known):
            axes.legend(frameon=False, fontsize=8)
        by_place: dict[tuple[float, int], list[str]] = {}
        for at, one in known:
            by_place.setdefault((round(one.selection_shift or 0, 2), one.pairs), []).append(str(at))
        for place, rows in by_place.items():
            axes.annotate(", ".join(rows), place, xytext=(5, 4), textcoords="offset points", fontsize=8)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.margins(x=0.15, y=0.15)
        axes.set(
            xlabel="selection shift (0: paired problems are like all problems)", ylabel="pairs", title="by row number"
        )

    return _figure_of([bars, scatter], [0.9 + 0.2 * lines, 2.6], width=7.2)


_COMPARABLE = (("comparable", CHOSEN, True), ("grey: early stopping or a budget may have decided", NEUTRAL, False))


def _arm_names(results: Sequence[ArmResult]) -> list[str]:
    """The settings of every arm, whole and in lines, behind its number."""
    texts = [" ".join(printable(arm_label(result.settings)).split()) or "as it is" for result in results]
    return ["\n".join(textwrap.wrap(f"{at}  {text}", 44)) for at, text in enumerate(texts, start=1)]


def save(figure: Figure, file: Path) -> None:
    """Write a figure as .svg or .png; the same figure gives the same bytes."""
    if file.suffix not in (".svg", ".png"):
        raise RunError(f"cannot draw {file}", hint="name a .svg or .png file")
    if file.suffix == ".svg":
        write_text(file, _svg(figure, ink="#24292f", background="#ffffff", salt=file.stem))
        return
    _ink(figure, "#24292f")
    with replacing(file) as temporary:
        figure.savefig(temporary, format="png", dpi=150, facecolor="#ffffff", metadata={"Software": None})


def save_view_figures(statistics: ViewStatistics, folder: Path) -> list[Path]:
    """All figures of a view as SVG and PNG; returns the files."""
    files = []
    for name, draw in view_figures(statistics).items():
        for suffix in (".svg", ".png"):
            save(draw(), folder / f"{name}{suffix}")
            files.append(folder / f"{name}{suffix}")
    return files


def inline_svg(figure: Figure, name: str) -> str:
    """A figure as an <svg> element that takes the page's text colour."""
    drawn = _svg(figure, ink=_INK, background="none", salt=name)
    drawn = drawn[drawn.index("<svg") :].replace(_INK, "currentColor")
    # Two drawings on one page may not share ids.
    return re.sub(r'( id="|url\(#|href="#)', rf"\1{name}-", drawn)


def label(text: str, longest: int = 26) -> str:
    """A label short enough for a drawing."""
    text = " ".join(printable(text).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}\u2026"


def _bars(names: Sequence[str], values: Sequence[int], title: str, colour: str) -> Figure:
    def draw(axes: Axes) -> None:
        places = range(len(names))
        axes.barh(list(places), list(reversed(values)), color=colour)
        axes.set_yticks(list(places), list(reversed(names)))
        for at, value in enumerate(reversed(values)):
            axes.annotate(f" {value:,}", (value, at), va="center", fontsize=8)
        axes.margins(x=0.18)
        axes.set_ylim(min(len(names) - 4, 0) - 0.5, len(names) - 0.4)  # few bars do not grow fat
        _whole_numbers(axes.xaxis)
        axes.set(title=title)

    return _figure(draw, height=1.2 + 0.28 * max(len(names), 4))


def _figure(draw: Callable[[Axes], None], width: float = 4.6, height: float = 3.0) -> Figure:
    return _figure_of([draw], [height], width)


def _figure_of(draws: Sequence[Callable[[Axes], None]], heights: Sequence[float], width: float) -> Figure:
    """Drawings below each other."""
    require("matplotlib", extra="report", purpose="drawing figures")
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, sum(heights)), layout="constrained")
        axes = figure.subplots(len(draws), 1, height_ratios=list(heights), squeeze=False)[:, 0]
        for draw, place in zip(draws, axes, strict=True):
            draw(place)
    return figure


def _whole_numbers(axis: Axis) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(5, integer=True))


def _plain_log_ticks(axis: Axis) -> None:
    """1, 2, 5, 10, ... as plain numbers: matplotlib's own minor labels are formulas, which are not parsed here."""
    from matplotlib.ticker import LogLocator

    axis.set_minor_locator(LogLocator(subs=(2, 5)))
    axis.set_major_formatter("{x:,.0f}")
    axis.set_minor_formatter("{x:,.0f}")
    axis.set_tick_params(which="minor", labelsize=8)


def _ink(figure: Figure, colour: str) -> None:
    from matplotlib.spines import Spine
    from matplotlib.text import Text

    for axes in figure.axes:
        axes.tick_params(which="both", color=colour)
        for item in axes.findobj(Spine):
            item.set_edgecolor(colour)
    for text in figure.findobj(Text):
        text.set_color(colour)


def _svg(figure: Figure, *, ink: str, background: str, salt: str) -> str:
    import matplotlib

    buffer = io.StringIO()
    figure.canvas.draw()  # ticks are made on drawing; they take the ink afterwards
    _ink(figure, ink)
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", facecolor=background, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
