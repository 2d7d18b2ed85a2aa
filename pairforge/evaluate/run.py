"""Sampling and judging answers to benchmark problems: a run without pairs, by the engine and verifier of `build`.

<out>/<benchmark>/<model>/    a run: recipe, problems, samples, verdicts; the same command resumes it
<out>/eval.json  README.md  figure.png
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from pairforge import demo, pipeline
from pairforge.errors import TrainError
from pairforge.evaluate import benchmarks
from pairforge.evaluate.statistics import Answer
from pairforge.pipeline import Progress
from pairforge.recipe import Recipe, parse_recipe
from pairforge.records import Status, digest
from pairforge.run import Run
from pairforge.run.atomic import write_text

SCORES: dict[Status, float] = {"correct": 1.0, "incorrect": 0.0, "no_answer": 0.0, "truncated": 0.0}
REFLECTION = re.compile(r"\b(?:wait|hmm+)\b", re.IGNORECASE)  # the words whose number the paper follows (figure 2)
BOXED = "{question}\n\nPlease reason step by step, and put your final answer within \\boxed{}."


@dataclass(frozen=True, slots=True)
class Questions:
    """How models are asked. Defaults are the paper's (temperature 0.7, 32,768 tokens), but for `samples`: one answer
    a question leaves more to chance than the differences that are looked for.

    `max_tokens` is cut to what the context leaves. `limit` takes the first rows of each source only.
    """

    samples: int = 4
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 32768
    system: str | None = None
    user: str = BOXED
    seed: int = 0
    limit: int | None = None


def answers(
    model: str,
    benchmark: str,
    questions: Questions,
    out: Path,
    *,
    engine: dict[str, Any] | None = None,
    overrides: Sequence[str] = (),
    progress: Progress = pipeline.quiet,
) -> list[Answer]:
    """Ask one model the questions of one benchmark, or finish doing so; the evidence lies under `out`.

    `engine` holds further keys of a recipe's engine block, `overrides` any `KEY=VALUE` of the recipe. Raises
    `EngineError` when the model cannot be started, `RunError` when the folder holds answers to other settings.
    """
    recipe = eval_recipe(model, benchmark, questions, engine or {}, overrides)
    session = pipeline.prepare(recipe, folder(out, benchmark, model), progress=progress)
    pipeline.sample(session)
    pipeline.verify(session)
    found = list(read_answers(session.run))
    if not found:
        raise TrainError(f"{model} gave no answer to '{benchmark}'", hint=f"see {session.run.engine_log_file}")
    return found


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
            "prompt": {"system": questions.system, "user": questions.user},
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


def read_answers(run: Run) -> Iterator[Answer]:
    """The sampled answers of a run with their scores."""
    statuses = {verdict.sample_key: verdict.status for verdict in run.verdicts()}
    for sample in run.sampled():
        if sample.finish_reason == "error":
            continue  # the request failed: nothing was answered
        status = statuses.get(sample.key)
        yield Answer(
            question=sample.problem_id,
            score=SCORES.get(status) if status else None,
            tokens=sample.sampled_tokens,
            truncated=sample.finish_reason == "length",
            reflections=sum(1 for _ in REFLECTION.finditer(sample.text)),
        )


def folder(out: Path, benchmark: str, model: str) -> Path:
    """Where the answers of a model lie. Other weights under the same name are another folder."""
    return out / benchmarks.label(benchmark) / f"{short_name(model)}-{fingerprint(model)}"


def short_name(model: str) -> str:
    """The last part of a model's name or path, as a label."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", model.removeprefix("pairforge:").rstrip("/").rsplit("/", 1)[-1]) or "model"


def labels(models: Sequence[str]) -> list[str]:
    """Names that tell the models apart: the last part of each path, with as many before it as that takes."""
    parts = [[p for p in model.removeprefix("pairforge:").split("/") if p] for model in models]
    for depth in range(1, max(len(p) for p in parts) + 1):
        names = ["/".join(p[-depth:]) for p in parts]
        if len(set(names)) == len(names):
            return names
    return list(models)


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


def save_json(out: Path, record: dict[str, Any]) -> None:
    """Write eval.json."""
    write_text(out / "eval.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def to_json(questions: Questions) -> dict[str, Any]:
    return asdict(questions)
