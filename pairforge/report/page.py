"""The report of a view as one HTML file that needs no network and runs no script but its own.

Everything that comes from datasets or models is escaped, or unpacked as text; a content security policy allows the
page's own script by its hash and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import pairforge
from pairforge.filters import FilterSettings
from pairforge.filters.separability import TELLING, form_in_words
from pairforge.filters.summary import PartSummary
from pairforge.filters.sweep import ArmResult, label
from pairforge.report import figures
from pairforge.report.mathml import MathRenderer, printable
from pairforge.report.packing import PackedPairs, pack_pairs
from pairforge.report.statistics import ValueShare, ViewStatistics
from pairforge.run import ViewRecord
from pairforge.run.atomic import write_text


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """Who sampled, and what came of it. `prompt` is what the model saw besides the question, `totals` as
    `pairforge.run.arm_totals` counts."""

    name: str
    model: str
    prompt: str
    sampling: str
    totals: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReportData:
    """All that a report shows, besides the pairs themselves.

    `warnings` are sentences; `drop_examples` maps (stage, reason) to (subject, question, detail) rows; `suspects` are
    (problem id, question, gold answer, answer the solutions agree on, how many agree); `views` are the records
    (view.json) of all views of the run; `sweep` the results of its latest sweep.
    `exports`: a sentence on the problems that exports use, (format, what its rows are, rows, problems), and (formats in
    which a problem has a row, problems).
    """

    run: str
    view: str
    record: ViewRecord
    statistics: ViewStatistics
    warnings: Sequence[str] = ()
    drop_examples: Mapping[tuple[str, str], Sequence[tuple[str, str, str]]] = field(default_factory=dict)
    suspects: Sequence[tuple[str, str, str, str, int]] = ()
    arms: Sequence[ArmFacts] = ()
    views: Sequence[ViewRecord] = ()
    sweep: Sequence[ArmResult] = ()
    exports: tuple[str, Sequence[tuple[str, str, int, int]], Sequence[tuple[str, int]]] = ("", (), ())


MOST_ROWS = 30  # of a table of values


def write_report(file: Path, data: ReportData, pairs: Iterable[Mapping[str, Any]]) -> PackedPairs:
    """Write the report; `pairs` are rows with the columns of `Pair`, read once.

    Raises `RunError` when `file` cannot be written; what stood there before is untouched then.
    """
    render = MathRenderer()
    packed = pack_pairs(pairs, data.statistics.summary.pairs, render)
    sections = dict(_sections(data, packed, render))
    script = _asset("report.js")
    values = {
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "version": escape(pairforge.__version__),
        "title": escape(f"{data.run}: {data.view}"),
        "subtitle": escape(_subtitle(data)),
        "navigation": " ".join(f'<a href="#{_anchor(title)}">{escape(title)}</a>' for title in sections),
        "sections": "\n".join(
            f'<section id="{_anchor(title)}"><h2>{escape(title)}</h2>\n{body}\n</section>'
            for title, body in sections.items()
        ),
        "data": "\n".join(_data(packed)),
        "style": _asset("report.css"),
        "script": script,
    }
    write_text(file, _fill(_asset("report.html"), values))
    return packed


def escape(value: object) -> str:
    """Any value as text of a page."""
    return html.escape(printable(str(value)))


def _sections(data: ReportData, packed: PackedPairs, render: MathRenderer) -> Iterator[tuple[str, str]]:
    drawn = figures.view_figures(data.statistics)
    yield "Summary", _summary(data)
    if data.record.parts:
        yield "Parts of the mix", _parts_table(data.record.parts)
    yield "Funnel", _figures(drawn, "funnel", "drops") + _funnel_table(data)
    if data.statistics.summary.pairs:
        yield "Lengths and difficulty", _figures(drawn, "lengths", "gap", "difficulty")
        yield "Sources", _figures(drawn, "sources") + _sources_table(data.statistics)
        if data.statistics.columns:
            yield "Columns", "".join(_shares_table(name, rows) for name, rows in data.statistics.columns.items())
    if data.arms:
        yield "Arms", _arms_table(data.arms)
    yield "What the rules dropped", _drops(data, render)
    if data.suspects:
        yield "Gold suspects", _suspects(data, render)
    if data.exports[0]:
        yield "Exports", _exports(data)
    if len(data.views) > 1 or data.sweep:
        yield "Rule sets compared", _compared(data)
    yield "Pairs", _browser(data, packed)


def _summary(data: ReportData) -> str:
    numbers = data.statistics.summary
    facts = [
        ("pairs", f"{numbers.pairs:,}"),
        ("problems paired", f"{numbers.problems:,} of {data.statistics.all_problems:,}"),
    ]
    if numbers.pairs:
        means = {name: value or 0 for name, value in numbers.means.items()}
        facts += [
            ("mean chosen", f"{means['chosen_tokens']:,.0f}"),
            ("mean rejected", f"{means['rejected_tokens']:,.0f}"),
            ("mean gap", f"{means['gap_tokens']:+,.0f}"),
            ("mean ratio", f"{means['ratio']:.2f}"),
            ("wrong rejected", f"{numbers.wrong_share or 0:.1%}"),
        ]
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    warnings = "".join(f'<p class="warning" role="note">{escape(text)}</p>' for text in data.warnings)
    rules = "".join(f"<li>{escape(sentence)}</li>" for sentence in _rules_in_words(data.record.filter))
    return f'<dl class="facts">{cells}</dl>{warnings}{_form(data)}' + (
        _details("The rules in words", f"<ul>{rules}</ul>") if rules else ""
    )


def _rules_in_words(settings: Mapping[str, Any] | None) -> list[str]:
    return list(FilterSettings.model_validate(settings).sentences()) if settings else []


def _form(data: ReportData) -> str:
    """Whether form alone tells the sides apart: a warning where it does."""
    tests = data.record.separability or []
    mark = ' class="warning"' if any(test.accuracy >= TELLING for test in tests) else ""
    answer = " ".join(form_in_words(test.model_dump() for test in tests))
    return f'<p{mark} role="note">{escape(f"Can form alone tell chosen from rejected? {answer}")}</p>'


def _subtitle(data: ReportData) -> str:
    rules = data.record.filter
    gap, direction = rules.get("gap") or {}, data.record.direction
    ends = [f"{word} {gap[name]:,.0f}" for name, word in (("min", "at least"), ("max", "at most")) if gap.get(name)]
    bounds = f"gap {' and '.join(ends)}" if ends else "any gap"
    if data.record.parts:
        bounds = f"a mix of {len(data.record.filter['mix'])} parts"
    made = f"rules {data.record.digest}; pairforge {pairforge.__version__}"
    return f"direction {direction}, {bounds}, lengths in tokens of {rules.get('tokenizer', '')}; {made}"


def _figures(drawn: Mapping[str, Any], *names: str) -> str:
    parts = []
    for name in names:
        if name in drawn:
            figure = drawn[name]()
            title = figure.axes[0].get_title()
            svg = figures.inline_svg(figure, name).replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
            parts.append(f"<figure>{svg}</figure>")
    return f'<div class="figures">{"".join(parts)}</div>' if parts else ""


def _funnel_table(data: ReportData) -> str:
    rows = [(step.step, f"{step.candidates:,}", f"{step.problems:,}") for step in data.statistics.funnel]
    return _details("The funnel as a table", _table(("rule", "candidates left", "problems left"), rows, numbers={1, 2}))


def _parts_table(parts: Mapping[str, PartSummary]) -> str:
    heads = ("part", "pairs", "problems", "chosen tokens", "rejected tokens", "gap", "wrong rejected")
    rows = [
        (
            name,
            f"{part.pairs:,}",
            f"{part.problems:,}",
            *(_number(getattr(part, key), key) for key in ("chosen_tokens", "rejected_tokens", "gap_tokens")),
            f"{part.wrong_share or 0:.1%}",
        )
        for name, part in parts.items()
    ]
    return _table(heads, rows, numbers=range(1, 7))


def _arms_table(arms: Sequence[ArmFacts]) -> str:
    heads = ("arm", "model", "prompt", "sampling", "samples", "correct", "pass rate", "errors", "tokens", "seconds")
    rows = [
        (
            *(arm.name, arm.model, arm.prompt, arm.sampling),
            *(f"{arm.totals[key]:,}" for key in ("samples", "correct")),
            "-" if arm.totals["pass_rate"] is None else f"{arm.totals['pass_rate']:.1%}",
            *(f"{arm.totals[key]:,.0f}" for key in ("errors", "tokens", "seconds")),
        )
        for arm in arms
    ]
    return _table(heads, rows, numbers=range(4, 10))


def _sources_table(numbers: ViewStatistics) -> str:
    return _details("Sources as a table", _shares_table("source", numbers.sources))


def _shares_table(column: str, shares: Sequence[ValueShare]) -> str:
    """The most frequent values of a column: their pairs, and their share of the pairs and of all problems."""
    rows = [
        (row.value, f"{row.pairs:,}", f"{row.pair_share:.1%}", f"{row.problem_share:.1%}") for row in shares[:MOST_ROWS]
    ]
    table = _table((column, "pairs", "share of pairs", "share of problems"), rows, numbers={1, 2, 3})
    left = len(shares) - len(rows)
    return table + (f"<p>and {left:,} more values</p>" if left else "")


def _drops(data: ReportData, render: MathRenderer) -> str:
    if not data.statistics.drops:
        return "<p>Nothing was dropped.</p>"
    parts = []
    for stage, reason, count in data.statistics.drops:
        rows = [
            (f'<span class="id">{escape(subject)}</span>', math_html(question, render), escape(detail))
            for subject, question, detail in data.drop_examples.get((stage, reason), ())
        ]
        body = _table(("problem or row", "question", "detail"), rows, markup=True)
        parts.append(_details(f"{count:,} \u00d7 {reason.replace('_', ' ')} ({stage})", body))
    return "".join(parts)


def _suspects(data: ReportData, render: MathRenderer) -> str:
    rows = [
        (f'<span class="id">{escape(problem)}</span>', math_html(question, render), math_html(gold, render),
         math_html(answer, render), escape(agreeing))
        for problem, question, gold, answer, agreeing in data.suspects
    ]  # fmt: skip
    heads = ("problem", "question", "ground truth", "what solutions agree on", "how many")
    told = "<p>Several solutions agree with each other here, and not with the ground truth. Either may be wrong.</p>"
    return told + _table(heads, rows, numbers={4}, markup=True)


def _exports(data: ReportData) -> str:
    told, formats, combinations = data.exports
    counted = [(*row[:2], f"{row[2]:,}", f"{row[3]:,}") for row in formats]
    table = _table(("format", "its rows are", "rows", "problems"), counted, numbers={2, 3})
    where = _table(("a problem has a row in", "problems"), [(k, f"{n:,}") for k, n in combinations], numbers={1})
    return f"<p>{escape(told)}</p>{table}{where}"


def _compared(data: ReportData) -> str:
    parts = []
    if len(data.views) > 1:
        means = ("chosen_tokens", "rejected_tokens", "gap_tokens", "ratio")
        rows: list[Sequence[object]] = [
            [
                view.view,
                f"{view.pairs:,}",
                f"{view.problems:,}",
                *(_number(view.means.get(n), n) for n in means),
            ]
            for view in data.views
        ]
        heads = ("view", "pairs", "problems", "chosen tokens", "rejected tokens", "gap", "ratio")
        parts.append(_table(heads, rows, numbers=range(1, 7)))
    if data.sweep:
        figure = figures.inline_svg(figures.sweep_figure(data.sweep), "sweep")
        figure = figure.replace("<svg ", '<svg role="img" aria-label="pairs of every rule set" ', 1)
        arms = [_sweep_row(result) for result in data.sweep]
        columns = ("rules", "pairs", "problems", "gap", "ratio", "wrong", "pass rate shift", "source shift", "notes")
        table = _table(columns, arms, numbers=range(1, 8))
        parts.append(f'<figure class="wide">{figure}</figure>{_details("The sweep as a table", table)}')
    return "".join(parts)


def _sweep_row(result: ArmResult) -> list[str]:
    gap, ratio = (_number(result.means.get(name), name) for name in ("gap_tokens", "ratio"))
    wrong = "-" if result.wrong_share is None else f"{result.wrong_share:.0%}"
    shifts = [_number(result.pass_rate_shift), _number(result.source_shift)]
    counts = [f"{result.pairs:,}", f"{result.problems:,}"]
    return [label(result.settings), *counts, gap, ratio, wrong, *shifts, "; ".join(result.notes)]


def _browser(data: ReportData, packed: PackedPairs) -> str:
    if not data.statistics.summary.pairs:
        return "<p>This view has no pairs.</p>"
    notes = []
    if packed.shortened:
        notes.append(f"{packed.shortened:,} pairs are shown with the middle of long texts left out")
    if packed.without_text:
        notes.append(f"{packed.without_text:,} pairs are listed without their texts")
    note = f"<p class='soft'>To keep this file small, {' and '.join(notes)}: " if notes else ""
    full = "<code>pairforge show RUN --id ID</code> prints them in full.</p>" if notes else ""
    return f"{note}{full}{_CONTROLS}"


_PAGER = (
    '<div class="pager"><button type="button" class="previous">Previous</button> <span class="page"></span> '
    '<button type="button" class="next">Next</button></div>'
)
_CONTROLS = f"""<form id="filters" role="search">
<label class="search">Search questions, answers, ids, sources
<input id="search" type="search" autocomplete="off"></label>
<label>Source <select id="source"><option value="">all</option></select></label>
<label>Rejected side <select id="kind"><option value="">any</option></select></label>
<label>Gap at least <input id="gap-min" type="number" inputmode="numeric"></label>
<label>Gap at most <input id="gap-max" type="number" inputmode="numeric"></label>
<label>Order <select id="sort"><option value="stored 1">as stored</option><option value="gap 1">smallest gap</option>
<option value="gap -1">largest gap</option><option value="ratio -1">largest ratio</option>
<option value="chosen -1">longest chosen</option><option value="rejected -1">longest rejected</option></select></label>
</form>
<p class="soft"><span id="count" role="status" aria-live="polite">loading</span>.
<span class="keys">Keys: <kbd>/</kbd> search, <kbd>j</kbd> <kbd>k</kbd> next and previous pair,
<kbd>Enter</kbd> open and close, <kbd>n</kbd> <kbd>p</kbd> next and previous page.</span></p>
{_PAGER}<div id="pairs"></div>{_PAGER}
<noscript>The pairs need JavaScript; everything above does not.</noscript>"""


def _data(packed: PackedPairs) -> Iterator[str]:
    yield f'<script type="text/plain" id="index">{packed.index}</script>'
    for number, block in enumerate(packed.blocks):
        yield f'<script type="text/plain" id="block-{number}">{block}</script>'


def math_html(text: str, render: MathRenderer) -> str:
    """A short text with its mathematics, as markup for a table cell."""
    pieces = render.pieces(text[:1500])
    return "".join(piece if at % 2 else html.escape(piece) for at, piece in enumerate(pieces))


def _table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[int] = (), markup: bool = False
) -> str:
    """A table; `numbers` are the columns set as numbers, `markup` says that the rows are safe markup already."""
    right = set(numbers)

    def cells(tag: str, values: Sequence[object], safe: bool) -> str:
        kinds = (' class="number"' if at in right else ' class="wrap"' for at in range(len(values)))
        texts = (str(value) if safe else escape(value) for value in values)
        return "".join(f"<{tag}{kind}>{text}</{tag}>" for kind, text in zip(kinds, texts, strict=True))

    body = "".join(f"<tr>{cells('td', row, markup)}</tr>" for row in rows)
    head = f"<thead><tr>{cells('th', heads, False)}</tr></thead>"
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'


def _details(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _number(value: float | None, name: str = "") -> str:
    return "-" if value is None else f"{value:,.0f}" if name.endswith("_tokens") else f"{value:.2f}"


def _anchor(title: str) -> str:
    return f"section-{title.lower().replace(' ', '-')}"


def _asset(name: str) -> str:
    return (resources.files("pairforge.report") / "assets" / name).read_text(encoding="utf-8")


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Put values into `{{name}}` places in one pass, so that no value is searched for places again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)
