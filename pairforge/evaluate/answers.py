"""Sampling and judging answers to benchmark problems: a run without pairs, by the engine and verifier of `build`.

<out>/<benchmark>/<model>/    a run: recipe, problems, samples, verdicts; the same command resumes it
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pairforge import demo, pipeline
from pairforge.evaluate import benchmarks
from pairforge.evaluate.majority import votes
from pairforge.evaluate.scoring import Answer, Outcome
from pairforge.pipeline import run_recipe
from pairforge.pipeline.recipe_settings import open_verifier
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe, parse_recipe
from pairforge.records import Sample, Status, digest
from pairforge.run import Run
from pairforge.verifier import Item, Verifier

OUTCOMES: dict[Status, Outcome] = {"correct": "right", "incorrect": "wrong", "no_answer": "wrong", "truncated": "wrong"}
REFLECTION = re.compile(r"\b(?:wait|hmm+)\b", re.IGNORECASE)  # the words whose number the paper follows (figure 2)
NAMED = re.compile(r"([\w.+-]+)=(.+)")
BOXED = "{question}\n\nPlease reason step by step, and put your final answer within \\boxed{}."


@dataclass(frozen=True, slots=True)
class Questions:
    """How models are asked. Defaults are the paper's (temperature 0.7, 32,768 tokens), but for `samples`: one answer
    a question leaves more to chance than the differences that are looked for.

    `max_tokens` is cut to what the context leaves. `limit` takes the first rows of each source only. `template_kwargs`
    are switches of the models' chat templates.
    """

    samples: int = 4
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 32768
    system: str | None = None
    user: str = BOXED
    seed: int = 0
    limit: int | None = None
    template_kwargs: Mapping[str, Any] = field(default_factory=dict)


def ask(
    model: str,
    benchmark: str,
    questions: Questions,
    out: Path,
    *,
    engine: dict[str, Any] | None = None,
    overrides: Sequence[str] = (),
    progress: Progress = quiet,
) -> Run:
    """Ask one model the questions of one benchmark, or finish doing so; returns the run with the answers.

    `engine` holds further keys of a recipe's engine block, `overrides` any `KEY=VALUE` of the recipe. Requests that
    failed in an earlier call are sent again. Raises `EngineError` when the model cannot be started, `RunError` when
    the folder holds answers to other settings.
    """
    recipe = eval_recipe(model, benchmark, questions, engine or {}, overrides)
    session = pipeline.prepare(recipe, folder(out, benchmark, model), progress=progress)
    pipeline.sample(session, retry_errors=True)
    pipeline.verify(session)
    return session.run


def eval_recipe(
    model: str, benchmark: str, questions: Questions, engine: dict[str, Any], overrides: Sequence[str]
) -> Recipe:
    """The recipe of an evaluation: all draws of every problem, full budgets, and no rule that looks at them.

    `engine` goes as far as the kind of engine takes it: the precision of a server's model is the server's business.
    """
    sources = [{**s, "limit": questions.limit} for s in benchmarks.sources(benchmark)]
    raw: dict[str, Any] = {
        "seed": questions.seed,
        "sources": sources,
        "generator": {
            "engine": {"model": model},
            "prompt": {k: getattr(questions, k) for k in ("system", "user", "template_kwargs")},
            "sampling": {k: getattr(questions, k) for k in ("temperature", "top_p", "max_tokens")},
            "draws": {"min": questions.samples, "max": questions.samples, "until": "max"},
            "budget": "full",
        },
        "decontaminate": {"near_duplicates": None},  # a benchmark's problems are what they are
        "filter": {"tokenizer": model},
    }
    name = f"evaluation of {model}"
    block = parse_recipe(yaml.safe_dump(raw), overrides, name=name).sampling_block().engine
    raw["generator"]["engine"] |= {key: value for key, value in engine.items() if key in type(block).model_fields}
    return parse_recipe(yaml.safe_dump(raw), overrides, name=name)


def read_answers(run: Run) -> list[Answer]:
    """The answers of a run: for every question as many as its recipe asks for.

    What was not answered is there as "failed": requests that the engine could not serve, and questions that leave no
    room for an answer in the model's context.
    """
    recipe = run_recipe(run)
    verdicts = {verdict.sample_key: verdict for verdict in run.each_verdict()}
    draws: dict[str, dict[int, Sample]] = {problem.id: {} for problem in run.each_problem()}
    for sample in run.sampled():
        if sample.finish_reason != "error":
            draws[sample.problem_id][sample.draw] = sample  # in place of what it continues
    by_question = {question: list(own.values()) for question, own in draws.items()}
    judged: dict[str, list[tuple[Status, str]]] = {}
    for question, own in by_question.items():
        found = [verdicts.get(sample.key) for sample in own]
        judged[question] = [(v.status, v.answer) if v else ("error", "") for v in found]
    with open_verifier(recipe, run) as verifier:
        voted = votes(judged, lambda pairs: equal_answers(verifier, pairs))
    answered = []
    for question, own in by_question.items():
        rows = zip(own, judged[question], voted[question], strict=True)
        answered += [_answer(sample, status, vote) for sample, (status, _), vote in rows]
        missing = recipe.sampling_block().draws.max - len(own)
        answered += [Answer(question, "failed", 0) for _ in range(missing)]
    return answered


def _answer(sample: Sample, status: Status, vote: str) -> Answer:
    return Answer(
        question=sample.problem_id,
        outcome=OUTCOMES.get(status, "undecided"),
        tokens=sample.sampled_tokens,
        truncated=sample.finish_reason == "length",
        reflections=sum(1 for _ in REFLECTION.finditer(sample.text)),
        vote=vote,
    )


def equal_answers(verifier: Verifier, pairs: Iterable[tuple[str, str]]) -> Iterator[bool]:
    """Whether two final answers are the same; what the verifier cannot read is only equal to the same text."""
    items = (Item("", first, f"\\boxed{{{second}}}") for first, second in pairs)
    return (verdict.status == "correct" for verdict in verifier.verify(items))


def unread_rows(run: Run) -> dict[str, int]:
    """How many rows of the benchmark did not become a question, by reason."""
    return dict(Counter(drop.reason for drop in run.source_drops()))


def folder(out: Path, benchmark: str, model: str) -> Path:
    """Where the answers of a model lie. Other weights under the same name are another folder."""
    return out / benchmarks.label(benchmark) / f"{short_name(model)}-{fingerprint(model)}"


def short_name(model: str) -> str:
    """The last part of a model's name or path, as a label."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", model.removeprefix("pairforge:").rstrip("/").rsplit("/", 1)[-1]) or "model"


def labels(models: Sequence[str]) -> list[str]:
    """Names that tell the models apart: the last part of each path, with as many before it as that takes.

    A model written NAME=MODEL is called NAME, and models of one name are seeds of the same training.
    """
    named = [split_name(model) for model in models]
    parts = [[p for p in model.removeprefix("pairforge:").split("/") if p] for name, model in named if not name]
    for depth in range(1, max((len(p) for p in parts), default=0) + 1):
        shown = ["/".join(p[-depth:]) for p in parts]
        if len(set(shown)) == len(shown):
            break
    else:
        shown = [model for name, model in named if not name]
    rest = iter(shown)
    return [name or next(rest) for name, _ in named]


def split_name(model: str) -> tuple[str, str]:
    """NAME=MODEL as its two parts; without a name, or where that is a folder, ("", the whole)."""
    found = NAMED.fullmatch(model)
    return (found[1], found[2]) if found and not Path(model).exists() else ("", model)


def fingerprint(model: str) -> str:
    """8 hex digits that change with a model's name or, for a folder, with its files."""
    path = Path(demo.resolve(model))
    files = sorted(p for p in path.glob("*") if p.is_file()) if path.is_dir() else []
    weights = [p for p in files if p.suffix in (".safetensors", ".json")]
    stats = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in weights if p.name != "train.json"]
    return digest([model, stats])[:8]


def common_dtype(models: Sequence[str]) -> str:
    """The precision to run all models in: the widest that any of them is stored in.

    A model trained by small steps differs from its start by less than 16 bits can tell: loaded with "auto", vLLM
    would round a 32-bit model down, and compare the start with itself.
    """
    from transformers import AutoConfig

    stored = []
    for model in models:
        try:
            config = AutoConfig.from_pretrained(demo.resolve(model))
        except (OSError, ValueError):
            return "auto"  # a server's model name: its precision is the server's business
        stored.append(str(getattr(config, "dtype", None)).removeprefix("torch."))
    return "float32" if "float32" in stored else "auto"
