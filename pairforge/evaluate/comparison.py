"""Models compared on benchmarks: the figures, the tables (Markdown, at most 100 columns wide), and the figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pairforge import intervals
from pairforge.errors import require
from pairforge.evaluate.power import design, detectable
from pairforge.evaluate.scoring import (
    DETECTABLE,
    Change,
    Score,
    Seeds,
    average_change,
    change,
    pooled,
    score,
    token_budgets,
)
from pairforge.intervals import Estimate

OVERALL = "average"
FEW_QUESTIONS = 50
NAME_WIDTH = 28
WIDTH = 100
HOW_TO_READ = """\
In brackets: 95 % intervals for new questions of the same kind. Undecided and failed answers count
as wrong; "at most" counts them as right."""
HOW_TO_READ_CHANGES = """ Changes are against the first model, question by
question; p is corrected for the number of models compared (Holm)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one benchmark. `change` is against the first model, None for itself; `score` None for the average.

    `kl` is the divergence from the first model in nats per token, where it was asked for.
    """

    benchmark: str
    model: str
    accuracy: Estimate
    tokens: Estimate
    score: Score | None
    change: Change | None
    kl: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All models on all benchmarks; the first model is the one before.

    `unread` counts a benchmark's rows that did not become a question, by reason; `notes` say what could not be
    measured.
    """

    rows: list[Row]
    unread: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Every figure; what is not a number becomes null."""
        return {"rows": [_plain(asdict(row)) for row in self.rows], "unread": self.unread, "notes": self.notes}


def compare(
    found: Mapping[str, Mapping[str, Seeds]],
    *,
    budgets: Sequence[int] = (),
    seed: int = 0,
    unread: Mapping[str, Mapping[str, int]] | None = None,
    kl: Mapping[tuple[str, str], Estimate] | None = None,
    notes: Sequence[str] = (),
) -> Comparison:
    """Compare the answers found[benchmark][model]; the first model is what the others are compared with.

    `budgets` are token budgets for every benchmark; by default they are chosen from the lengths of its answers. With
    more than one benchmark, rows of averages follow: averages of scores, never of relative changes. The p-values of
    one benchmark are corrected for the number of models compared on it (Holm).
    """
    rows: list[Row] = []
    models = list(next(iter(found.values())))
    for benchmark, by_model in found.items():
        own_budgets = budgets or token_budgets([a for seeds in by_model.values() for a in pooled(seeds)])
        changes = corrected([change(by_model[models[0]], by_model[model], seed=seed) for model in models[1:]])
        for model, against in zip(models, [None, *changes], strict=True):
            result = score(by_model[model], budgets=own_budgets, seed=seed)
            far = (kl or {}).get((benchmark, model))
            rows.append(Row(benchmark, model, result.accuracy, result.tokens, result, against, far))
    if len(found) > 1:
        rows += _averages(found, models, rows, seed)
    return Comparison(rows, {name: dict(counts) for name, counts in (unread or {}).items()}, list(notes))


def _averages(
    found: Mapping[str, Mapping[str, Seeds]], models: Sequence[str], rows: Sequence[Row], seed: int
) -> list[Row]:
    before = [by_model[models[0]] for by_model in found.values()]
    pairs = {m: list(zip(before, [own[m] for own in found.values()], strict=True)) for m in models[1:]}
    changes = corrected([average_change(pairs[m], seed=seed) for m in models[1:]])
    averages = []
    for model, against in zip(models, [None, *changes], strict=True):
        own = [row for row in rows if row.model == model]
        accuracy, tokens = (intervals.average([getattr(r, what) for r in own]) for what in ("accuracy", "tokens"))
        averages.append(Row(OVERALL, model, accuracy, tokens, None, against))
    return averages


def corrected(changes: Sequence[Change]) -> list[Change]:
    """The changes with p-values corrected for their number (Holm)."""
    adjusted = intervals.holm([c.p for c in changes])
    return [replace(c, p_holm=p) for c, p in zip(changes, adjusted, strict=True)]


# --- tables --------------------------------------------------------------------------------------------------------


def markdown(comparison: Comparison) -> str:
    """The tables for a terminal or a model card, with what has to be known to read them."""
    parts = []
    for benchmark in dict.fromkeys(row.benchmark for row in comparison.rows):
        rows = [row for row in comparison.rows if row.benchmark == benchmark]
        parts += _benchmark(benchmark, rows, comparison.unread.get(benchmark, {}))
    parts += comparison.notes
    parts.append(HOW_TO_READ + (HOW_TO_READ_CHANGES if any(row.change for row in comparison.rows) else ""))
    return "\n\n".join(parts) + "\n"


def _benchmark(benchmark: str, rows: Sequence[Row], unread: Mapping[str, int]) -> list[str]:
    first, scores = rows[0], [(row.model, row.score) for row in rows if row.score]
    parts = [_title(benchmark, first), _accuracy_table(rows)]
    if scores:
        parts += [_answers_table(scores), _tokens_table(rows), *_several_answers_table(scores), _budget_table(scores)]
    else:
        parts.append(_tokens_table(rows))
    return [part for part in (*parts, "\n".join(_notes(rows, unread))) if part]


def _title(benchmark: str, row: Row) -> str:
    result = row.score
    if result is None:
        return "## Average over benchmarks"
    return f"## {benchmark}: {_many(result.questions, 'question')}, {_many(_each(result), 'answer')} each"


def _accuracy_table(rows: Sequence[Row]) -> str:
    heads, cells = ["model", "accuracy %"], [[row.model, share(row.accuracy)] for row in rows]
    if any(row.change for row in rows):
        heads += ["change, points", "p"]
        for line, row in zip(cells, rows, strict=True):
            line += [points(row.change.accuracy), _p(row.change.p_holm)] if row.change else ["", ""]
    return table(heads, cells)


def _answers_table(scores: Sequence[tuple[str, Score]]) -> str:
    cells = [
        [model, *(f"{n:,}" for n in (s.answers, s.undecided, s.failed, s.truncated)), share(s.accuracy_at_most)]
        for model, s in scores
    ]
    return table(["model", "answers", "undecided", "failed", "cut", "accuracy % at most"], cells)


def _tokens_table(rows: Sequence[Row]) -> str:
    heads, cells = ["model", "mean tokens"], [[row.model, tokens(row.tokens)] for row in rows]
    columns = [
        ("change", [signed_tokens(row.change.tokens) if row.change else "" for row in rows]),
        ("wait/hmm", [_number(row.score.reflections.value, ".2f") if row.score else "" for row in rows]),
        ("KL, nats/token", [_bracketed(row.kl, ".3g") if row.kl else "" for row in rows]),
    ]
    for head, column in columns:
        if any(column):
            heads.append(head)
            cells = [[*line, cell] for line, cell in zip(cells, column, strict=True)]
    return table(heads, cells)


def _several_answers_table(scores: Sequence[tuple[str, Score]]) -> list[str]:
    """pass@k and maj@k in percent, where there are several answers."""
    counts = [k for k in scores[0][1].pass_at if k > 1]
    if not counts:
        return []
    heads = ["model", *(f"pass@{k}" for k in counts), f"maj@{counts[-1]}"]
    cells = [
        [model, *(percent(s.pass_at[k].value) if k in s.pass_at else "" for k in counts), percent(s.majority.value)]
        for model, s in scores
    ]
    return [table(heads, cells)]


def _budget_table(scores: Sequence[tuple[str, Score]]) -> str:
    budgets = list(scores[0][1].at_budget)
    if not budgets:
        return ""
    heads = ["accuracy % within tokens", *(f"{budget:,}" for budget in budgets)]
    return table(heads, [[model, *(percent(s.at_budget[b].value) for b in budgets)] for model, s in scores])


def _notes(rows: Sequence[Row], unread: Mapping[str, int]) -> list[str]:
    notes = []
    result = rows[0].score
    if result is not None:
        notes.append(power_line(rows))
        if result.questions < FEW_QUESTIONS:
            notes.append(f"{result.questions} questions are few: the intervals are wide.")
    if unread:
        reasons = ", ".join(f"{reason.replace('_', ' ')} {count:,}" for reason, count in unread.items())
        notes.append(f"Rows of the benchmark that did not become a question: {reasons}.")
    if any(row.score and row.score.failed for row in rows):
        notes.append("Failed: the engine gave no answer. The same command sends these requests again.")
    for row in rows:
        seeds = row.score.seeds if row.score else 1
        if seeds > 1:
            each = ", ".join(f"{100 * value:+.1f}" for value in row.change.by_seed) if row.change else ""
            notes.append(f"{row.model}: {seeds} seeds, in the intervals{f'; change of each: {each}' if each else ''}.")
        if seeds == 2:
            notes.append("Two seeds hardly tell how much seeds differ; take three or more.")
    return notes


def power_line(rows: Sequence[Row]) -> str:
    """What change of accuracy a benchmark of this size can show, from the variances that were measured on it."""
    result = rows[0].score
    assert result is not None
    measured = [row.change.detectable for row in rows if row.change]
    smallest = max(measured) if measured else _expected_power(result)
    return (
        f"With {_many(result.questions, 'question')} and {_many(_each(result), 'answer')} a change of "
        f"{100 * smallest:.1f} points can be seen{' in every comparison' if len(measured) > 1 else ''} (80 % power)."
    )


def _expected_power(result: Score) -> float:
    """Where nothing is compared yet: a second model that is assumed to be like the first."""
    value, between = result.accuracy.value, result.between_variance
    if between is None or not 0 < value < 1 or result.questions < 2:
        return DETECTABLE * max(value - result.accuracy.low, result.accuracy.high - value)
    answers = max(1, round(result.answers / result.questions))
    return detectable(design(result.questions, answers, value, min(between, value * (1 - value))))


def _each(result: Score) -> str:
    return f"{result.answers / result.questions:.3g}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An aligned Markdown table, the first column to the left; as several tables where one would be too wide."""
    lines = [[cell.replace("|", "\\|") for cell in line] for line in (heads, *([_short(r[0]), *r[1:]] for r in rows))]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(heads))]
    parts: list[list[int]] = []
    used = WIDTH
    for column in range(1, len(heads)):
        if used + widths[column] + 3 > WIDTH:
            parts.append([0])
            used = widths[0] + 4
        parts[-1].append(column)
        used += widths[column] + 3
    return "\n\n".join(_aligned(lines, widths, columns) for columns in parts)


def _aligned(lines: Sequence[Sequence[str]], widths: Sequence[int], columns: Sequence[int]) -> str:
    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    padded = [
        [line[i].ljust(widths[i]) if i == 0 else line[i].rjust(widths[i]) for i in columns]
        for line in (lines[0], rule, *lines[1:])
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _short(name: str) -> str:
    """A name with its middle left out where it is long: both ends tell models apart."""
    if len(name) <= NAME_WIDTH:
        return name
    half = (NAME_WIDTH - 1) // 2
    return f"{name[:half]}…{name[-(NAME_WIDTH - 1 - half) :]}"


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def share(e: Estimate) -> str:
    return f"{100 * e.value:.1f} [{100 * e.low:.1f}, {100 * e.high:.1f}]"


def points(e: Estimate) -> str:
    return f"{100 * e.value:+.1f} [{100 * e.low:+.1f}, {100 * e.high:+.1f}]"


def tokens(e: Estimate) -> str:
    return _bracketed(e, ",.0f")


def signed_tokens(e: Estimate) -> str:
    return _bracketed(e, "+,.0f")


def _bracketed(e: Estimate, form: str) -> str:
    return _number(e.value, form) if math.isnan(e.low) else f"{e.value:{form}} [{e.low:{form}}, {e.high:{form}}]"


def _number(value: float, form: str) -> str:
    return "unknown" if math.isnan(value) else f"{value:{form}}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _many(count: int | str, noun: str) -> str:
    shown = f"{count:,}" if isinstance(count, int) else count
    return f"{shown} {noun}" if shown == "1" else f"{shown} {noun}s"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


# --- figure --------------------------------------------------------------------------------------------------------


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
