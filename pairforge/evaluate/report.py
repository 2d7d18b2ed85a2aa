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
    """Accuracy and mean length of every model per benchmark, with intervals, as a PNG."""
    require("matplotlib", extra="report", purpose="the evaluation figure")
    from matplotlib.figure import Figure

    models = list(dict.fromkeys(row.model for row in comparison.rows))
    names = list(dict.fromkeys(row.benchmark for row in comparison.rows))
    figure = Figure(figsize=(max(8.0, 1.6 * len(names) * len(models) ** 0.5 + 3), 3.6), layout="constrained")
    for place, (what, factor) in enumerate((("accuracy", 100.0), ("tokens", 1.0)), start=1):
        axes = figure.add_subplot(1, 2, place)
        for at, model in enumerate(models):
            rows = [row for row in comparison.rows if row.model == model]
            estimates = [getattr(row, what) for row in rows]
            x = [names.index(row.benchmark) + (at - (len(models) - 1) / 2) * 0.8 / len(models) for row in rows]
            y = [factor * e.value for e in estimates]
            below = [factor * (e.value - e.low) for e in estimates]
            above = [factor * (e.high - e.value) for e in estimates]
            axes.errorbar(x, y, yerr=[below, above], fmt="o", capsize=3, markersize=5, label=model)
        axes.set_xticks(range(len(names)), names, fontsize=8)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.set_title("accuracy, %" if what == "accuracy" else "mean length, tokens", fontsize=10)
        axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=7)
    figure.suptitle(title, fontsize=10)
    figure.savefig(file, dpi=110)
