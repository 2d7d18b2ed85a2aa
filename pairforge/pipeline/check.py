"""A dry run of a recipe: everything that can be checked before a token is sampled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pairforge import lengths, sources
from pairforge.errors import PairforgeError, TemplateError
from pairforge.pipeline.ground_truth import GroundTruth, ground_truth
from pairforge.pipeline.sampler import (
    UNKNOWN_CONTEXT,
    load_sampler,
    rendered_prompts,
    require_columns,
    sampler_context,
    sampler_prompt,
)
from pairforge.pipeline.sides import side_mistakes
from pairforge.pipeline.student import completion, load_student, student_prompt
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe
from pairforge.records import Drop, Message, Problem, Sample
from pairforge.switches import template_alone, with_switches
from pairforge.templates import template_family
from pairforge.verifier import Verifier

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `detail` says what was found, or what is wrong and what to do."""

    name: str
    ok: bool
    detail: str


@dataclass(slots=True)
class Report:
    """All checks, what each source gave, and one rendered prompt of each arm."""

    checks: list[Check] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    prompts: dict[str, str] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """The prompt of the first arm; "" where nothing is sampled."""
        return next(iter(self.prompts.values()), "")

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    def add(self, name: str, ok: bool, detail: str) -> None:
        self.checks.append(Check(name, ok, detail))

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "checks": [asdict(c) for c in self.checks],
            "sources": self.sources,
            "prompt": self.prompt,
            "prompts": self.prompts,
        }


def check(recipe: Recipe, *, rows: int = 200, progress: Progress = quiet) -> Report:
    """Check `rows` rows of each source, the gold, the prompts, the context length and the student's template.

    A check that fails is in the report, it does not raise: all mistakes are shown at once.
    """
    report = Report()
    problems, given, truth = _check_sources(recipe, rows, report, progress)
    if problems:
        _attempt(report, "gold", lambda: _check_gold(recipe, truth, problems, report))
        _attempt(report, "student", lambda: _check_student(recipe, problems, given, report))
        for arm in recipe.arms:
            _attempt(report, f"{arm_label(recipe, arm)}sampler", partial(_check_sampler, recipe, arm, problems, report))
        if not recipe.arms:
            report.add("sampler", True, "nothing is sampled (generator: null)")
        _check_sides(recipe, given, report)
    return report


def _attempt(report: Report, name: str, checks: Callable[[], None]) -> None:
    """Run one group of checks; an error of ours becomes a failed check."""
    try:
        checks()
    except PairforgeError as error:
        report.add(name, False, str(error))


def _check_sources(
    recipe: Recipe, rows: int, report: Report, progress: Progress
) -> tuple[list[Problem], list[Sample], GroundTruth]:
    """Read the first rows of every source, judge the given solutions, and report both per source."""
    streams = []
    for spec in recipe.sources:
        limit = min(rows, spec.limit) if spec.limit else rows
        try:
            bounded = spec.model_copy(update={"limit": limit})
            streams.append(sources.read_source(bounded, base_dir=Path(), unlabelled=recipe.majority is not None))
        except PairforgeError as error:
            report.add(f"source {spec.dataset}", False, str(error))
            report.sources.append({"source": spec.dataset, "error": error.message})
    collection = sources.collect(streams)
    given = list(collection.samples())
    clean = sources.screen(collection.problems, base_dir=Path(), **recipe.decontaminate.model_dump())
    problems, drops = clean.problems, collection.drops + clean.drops
    truth = ground_truth(recipe, [(stream.name, stream.config) for stream in streams], problems)
    statuses = _given_statuses(recipe, truth, problems, given, progress)
    for summary in collection.summaries(problems, drops):
        entry = asdict(summary)
        entry["given_status"] = dict(statuses.get(summary.source, Counter()).most_common())
        report.sources.append(entry)
        detail = f"adapter {summary.adapter}, {summary.rows} rows, {summary.problems} problems"
        detail += f", {summary.given_samples} given solutions {entry['given_status'] or ''}"
        detail += f", {summary.repeated_given} more repeat one of them" if summary.repeated_given else ""
        detail += _shown_drops(drops, summary.source) + "".join(f"; {note}" for note in summary.notes)
        report.add(f"source {summary.source}", summary.problems > 0, detail)
    if recipe.decontaminate.sets:
        report.add("decontamination", True, _shown_sets(clean))
    return problems, given, truth


def _given_statuses(
    recipe: Recipe, truth: GroundTruth, problems: list[Problem], given: list[Sample], progress: Progress
) -> dict[str, Counter[str]]:
    by_id = {p.id: p for p in problems}
    items = [truth.item(s.key, s.problem_id, s.text, s.finish_reason) for s in given if s.problem_id in by_id]
    items = [item for item in items if item.gold]  # without ground truth there is nothing to judge by yet
    source = {s.key: by_id[s.problem_id].source for s in given if s.problem_id in by_id}
    counts: dict[str, Counter[str]] = {}
    with Verifier(timeout_s=recipe.verifier.timeout_s) as verifier:
        for done, verdict in enumerate(verifier.verify(items), start=1):
            counts.setdefault(source[verdict.sample_key], Counter())[verdict.status] += 1
            progress("given", done, len(items), "")
    return counts


def _shown_sets(clean: sources.Decontamination) -> str:
    """What the problems were compared with, and above all what they could not be compared with."""
    read = [f"{name} ({counts['questions']:,} questions)" for name, counts in clean.sets.items()]
    missed = [f"{name}: {reason}" for name, reason in clean.unreachable.items()]
    shown = f"compared with {', '.join(read) or 'nothing'}"
    return shown + (f"; NOT compared with {'; '.join(missed)}" if missed else "")


def _shown_drops(drops: list[Drop], source: str) -> str:
    mine = Counter(d.reason for d in drops if d.subject.startswith(f"{source}:"))
    return f"; dropped: {', '.join(f'{n} {reason}' for reason, n in mine.most_common())}" if mine else ""


def _check_gold(recipe: Recipe, truth: GroundTruth, problems: list[Problem], report: Report) -> None:
    """Ground truth that does not verify itself can never make a sample correct."""
    without = sum(not problem.answer for problem in problems)
    problems = [problem for problem in problems if problem.answer]
    items = [truth.item(p.id, p.id, f"\\boxed{{{p.answer}}}", "stop") for p in problems]
    with Verifier(timeout_s=recipe.verifier.timeout_s) as verifier:
        bad = [v for v in verifier.verify(items) if v.status != "correct"]
    answers = {p.id: p.answer for p in problems}
    shown = "; ".join(f"{answers[v.sample_key]!r}: {v.status}" for v in bad[:5])
    detail = f"{len(problems) - len(bad)} of {len(problems)} ground truths verify themselves"
    detail += f"; {without} problems have none, the majority's answer will be taken" if without else ""
    report.add("gold", len(bad) * 20 <= len(problems), detail + (f"; not: {shown}" if bad else ""))


def _check_student(recipe: Recipe, problems: list[Problem], given: list[Sample], report: Report) -> None:
    """The student's tokenizer loads, its template keeps the reasoning, and the given sides fit the bounds."""
    try:
        tokenizer = load_student(recipe)
    except TemplateError as error:
        report.add("student template", False, str(error))
        return
    report.add("student template", True, f"keeps the reasoning (family {template_family(tokenizer.chat_template)})")
    turns = student_prompt(recipe.format, problems[0].question)
    _check_switches(tokenizer, turns, recipe.format.template_kwargs, "student switches", report)
    known = {p.id: p for p in problems}
    rows = [
        (s.key, student_prompt(recipe.format, known[s.problem_id].question), completion(s, recipe.format.frame))
        for s in islice((s for s in given if s.problem_id in known), 200)
    ]
    totals = sorted(p + c for _, p, c in lengths.count_lengths(tokenizer, rows))
    if totals:
        limit = recipe.filter.total.max
        over = sum(t > limit for t in totals) if limit else 0
        detail = f"given sides: median {totals[len(totals) // 2]:,}, longest {totals[-1]:,} tokens with their prompt"
        report.add("lengths", over < len(totals), detail + (f"; {over} over filter.total.max" if over else ""))
    same = recipe.format.rejected_frame in ("same", recipe.format.frame)
    detail = (
        "both sides use the same format" if same else "the sides' formats differ: the format alone tells them apart"
    )
    report.add("frame", True, detail)


def _check_sides(recipe: Recipe, given: list[Sample], report: Report) -> None:
    """Someone writes both sides of a pair."""
    mistakes = list(side_mistakes(recipe.filter.effective, [*recipe.arms, *recipe.derive], has_given=bool(given)))
    written = [name for name in ("given" if given else "", *recipe.arms) if name]
    report.add("sides", not mistakes, "; ".join(f"filter.{m}" for m in mistakes) or f"written by {', '.join(written)}")


def arm_label(recipe: Recipe, arm: str) -> str:
    """What stands before the name of a check of one arm; a single `generator` needs no name."""
    return f"{arm}: " if recipe.generators else ""


def _check_sampler(recipe: Recipe, arm: str, problems: list[Problem], report: Report) -> None:
    """The sampler's prompt renders, and prompt plus budget fit its context."""
    block, label = recipe.arms[arm], arm_label(recipe, arm)
    steps = 1 + block.draws.continue_truncated
    max_tokens = steps * block.sampling.max_tokens
    if block.engine.kind != "server" and not block.engine.name and Path(block.engine.model).is_dir():
        last, key = Path(block.engine.model).name, recipe.key_of(arm)
        report.add(f"{label}model name", True, f"cards will say '{last}': {key}.engine.name gives it a public name")
    require_columns(block, problems, key=recipe.key_of(arm))
    tokenizer = load_sampler(block)
    rendered = list(rendered_prompts(block, problems, tokenizer))
    report.prompts[arm] = rendered[0][1]
    if tokenizer is None:
        detail = "only its server has the tokenizer: it applies the template and counts the tokens"
        report.add(f"{label}sampler", True, detail)
        return
    turns = sampler_prompt(block, problems[0].question, problems[0].meta)
    _check_switches(tokenizer, turns, block.prompt.template_kwargs, f"{label}sampler switches", report)
    longest = max(prompt_tokens for _, _, prompt_tokens in rendered)
    context = sampler_context(block)
    shown = f"{context}" if context != UNKNOWN_CONTEXT else "known to the server alone"
    fits = longest + max_tokens <= context
    hint = "" if fits else ": lower its sampling.max_tokens, or problems with long prompts are dropped"
    budget = f"max_tokens {max_tokens}" if steps == 1 else f"{max_tokens} tokens in {steps} steps"
    detail = f"longest prompt {longest} tokens + {budget}, context {shown}{hint}"
    report.add(f"{label}context", longest < context, detail)
    has_template = bool(getattr(tokenizer, "chat_template", None))
    detail = "the sampler has a chat template" if has_template else "no chat template: plain prompt and stop strings"
    report.add(f"{label}sampler template", True, detail)


def _check_switches(
    tokenizer: PreTrainedTokenizerBase, turns: list[Message], switches: dict[str, Any], name: str, report: Report
) -> None:
    """Say which template switches change the rendered prompt. One that does not is at the template's own default."""
    template = tokenizer.chat_template
    if not switches or not isinstance(template, str):
        return
    rendered = prompt_with(tokenizer, turns, template)
    idle = []
    for switch in switches:
        others = {other: value for other, value in switches.items() if other != switch}
        without = with_switches(template_alone(template)[1], others)
        if prompt_with(tokenizer, turns, without) == rendered:
            idle.append(switch)
    working = [f"{switch}={value}" for switch, value in switches.items() if switch not in idle]
    detail = f"{', '.join(working)} changes the prompt" if working else "no switch changes the prompt"
    detail += f"; the prompt is the same without {', '.join(idle)}" if idle else ""
    report.add(name, True, detail)


def prompt_with(tokenizer: PreTrainedTokenizerBase, turns: list[Message], template: str) -> str:
    """The prompt as a chat template renders it."""
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, chat_template=template))
