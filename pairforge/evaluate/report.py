"""Scores as a Markdown table and a figure: each model, and each model after the first against the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pairforge.errors import require
from pairforge.evaluate.statistics import (
    Answer,
    Difference,
    Estimate,
    Score,
    difference,
    overall_accuracy,
    overall_difference,
    overall_tokens,
    score,
)

OVERALL = "average"
FEW_QUESTIONS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `change` is against the first model, None for itself; `score` None for the average."""

    benchmark: str
    model: str
    accuracy: Estimate
    tokens: Estimate
    score: Score | None
    change: Difference | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All models on all benchmarks; the first model is the one before."""

    rows: list[Row]

    def to_json(self) -> dict[str, Any]:
        return {"rows": [asdict(row) for row in self.rows]}


def compare(found: Mapping[str, Mapping[str, Sequence[Answer]]], *, seed: int = 0) -> Comparison:
    """Compare the answers found[benchmark][model]; the first model is what the others are compared with.

    With more than one benchmark, rows of averages over benchmarks follow: averages of scores, never of relative
    changes.
    """
    rows = []
    models = list(next(iter(found.values())))
    for benchmark, by_model in found.items():
        for model in models:
            result = score(by_model[model], seed=seed)
            change = difference(by_model[models[0]], by_model[model], seed=seed) if model != models[0] else None
            rows.append(Row(benchmark, model, result.accuracy, result.tokens, result, change))
    if len(found) > 1:
        before = [by_model[models[0]] for by_model in found.values()]
        for model in models:
            own = [by_model[model] for by_model in found.values()]
            pairs = list(zip(before, own, strict=True))
            change = overall_difference(pairs, seed=seed) if model != models[0] else None
            accuracy, tokens = overall_accuracy(own, seed=seed), overall_tokens(own, seed=seed)
            rows.append(Row(OVERALL, model, accuracy, tokens, None, change))
    return Comparison(rows)


def markdown(comparison: Comparison) -> str:
    """The table for a model card, with what has to be known to read it."""
    head = "| benchmark | model | accuracy % | change, points | mean tokens | change | cut % | wait/hmm per answer |"
    lines = [head, "|---" * 8 + "|", *(_line(row) for row in comparison.rows), ""]
    lines.append("In brackets: 95 % intervals, bootstrap over questions; changes are paired by question.")
    undecided = sum(row.score.undecided for row in comparison.rows if row.score)
    if undecided:
        lines.append(f"{undecided:,} answers that the verifier could not decide count in no accuracy.")
    for row in comparison.rows:
        if row.score and row.score.questions < FEW_QUESTIONS and row.change is None:
            lines.append(f"{row.benchmark} has {row.score.questions} questions: its intervals are wide.")
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    change, result = row.change, row.score
    cells = [
        row.benchmark,
        row.model,
        _share(row.accuracy),
        _points(change.accuracy) if change else "",
        _tokens(row.tokens),
        _signed_tokens(change.tokens) if change else "",
        f"{100 * result.truncated:.1f}" if result else "",
        f"{result.reflections.value:.2f}" if result else "",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _share(e: Estimate) -> str:
    return f"{100 * e.value:.1f} [{100 * e.low:.1f}, {100 * e.high:.1f}]"


def _points(e: Estimate) -> str:
    return f"{100 * e.value:+.1f} [{100 * e.low:+.1f}, {100 * e.high:+.1f}]"


def _tokens(e: Estimate) -> str:
    return f"{e.value:,.0f} [{e.low:,.0f}, {e.high:,.0f}]"


def _signed_tokens(e: Estimate) -> str:
    return f"{e.value:+,.0f} [{e.low:+,.0f}, {e.high:+,.0f}]"


def draw(comparison: Comparison, file: Path, title: str = "") -> None:
    """Accuracy and mean length, one line per model and benchmark; the format follows the file's suffix.

    A dashed line is the first model. The bar of every other one is the 95 % interval of its difference to the first:
    a bar clear of the line is a change that the questions bear out. The first model's bar is its own interval.
    """
    require("matplotlib", extra="report", purpose="the evaluation figure")
    import matplotlib
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row.benchmark for row in comparison.rows))
    figure = Figure(figsize=(9.0, 1.5 + 0.26 * len(comparison.rows)), layout="constrained")
    places = figure.subplots(1, 2, sharey=True)
    for axes, what, factor, label in (
        (places[0], "accuracy", 100.0, "accuracy, %"),
        (places[1], "tokens", 1.0, "mean length, tokens"),
    ):
        for name in names:
            lines = [(at, row) for at, row in enumerate(comparison.rows) if row.benchmark == name]
            before = getattr(lines[0][1], what).value
            axes.vlines(factor * before, lines[0][0] - 0.4, lines[-1][0] + 0.4, colors="0.5", linestyles="dashed")
            for at, row in lines:
                shift, bar = (before, getattr(row.change, what)) if row.change else (0.0, getattr(row, what))
                color = "C0" if row.change and bar.clear_of_zero else "0.45"
                ends = [[factor * (bar.value - bar.low)], [factor * (bar.high - bar.value)]]
                middle = factor * (shift + bar.value)
                axes.errorbar(middle, at, xerr=ends, fmt="o", capsize=3, markersize=4, color=color)
        axes.set_title(label, fontsize=10)
        axes.grid(axis="x", alpha=0.3)
    labels = [row.model if len(names) == 1 else f"{row.benchmark}: {row.model}" for row in comparison.rows]
    places[0].set_yticks(range(len(labels)), labels, fontsize=8)
    places[0].invert_yaxis()
    figure.suptitle(title, fontsize=10)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "pairforge"}):  # text as text, always the same
        figure.savefig(file, dpi=110, metadata={"Date": None} if file.suffix == ".svg" else None)
