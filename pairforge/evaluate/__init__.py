"""Accuracy and length of models on benchmarks, before and after, with the uncertainty that a reader needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pairforge
from pairforge.errors import SourceError, TrainError
from pairforge.evaluate import benchmarks
from pairforge.evaluate.answers import (
    Questions,
    ask,
    common_dtype,
    labels,
    read_answers,
    split_name,
    unread_rows,
)
from pairforge.evaluate.comparison import Comparison, compare, draw, markdown
from pairforge.evaluate.divergence import divergence
from pairforge.evaluate.scoring import Answer
from pairforge.intervals import Estimate
from pairforge.progress import Progress, quiet
from pairforge.run import Run
from pairforge.run.atomic import write_text

__all__ = ["Comparison", "Questions", "evaluate", "markdown"]


def evaluate(
    models: Sequence[str],
    names: Sequence[str],
    questions: Questions,
    out: Path,
    *,
    engine: dict[str, Any] | None = None,
    overrides: Sequence[str] = (),
    budgets: Sequence[int] = (),
    kl: bool = False,
    progress: Progress = quiet,
) -> Comparison:
    """Ask every model every benchmark's questions and compare all with the first model.

    A model may be written NAME=MODEL; models of one name are seeds of the same training. All are asked in one
    precision (the engine's `dtype`, or the widest that any of them is stored in) and under one prompt. `budgets` are
    the token budgets of accuracy at a budget (default: chosen from the lengths); `kl` measures the divergence from
    the first model. Writes eval.json, README.md (the tables) and figure.png to `out`:

        <out>/<benchmark>/<model>/    a run: recipe, problems, samples, verdicts; the same command resumes it

    What was answered before is not asked again. Raises `TrainError` for unknown benchmarks and repeated models, and
    what `ask` raises.
    """
    paths, shown = [split_name(model)[1] for model in models], labels(models)
    if len(set(zip(shown, paths, strict=True))) < len(models):
        raise TrainError("the same model is given twice", hint="name each model once")
    settings = {"dtype": common_dtype(paths), **(engine or {})}
    runs: dict[str, dict[str, list[Run]]] = {}
    steps = len(names) * len(paths)
    for place, name in enumerate(names):
        by_model = runs.setdefault(benchmarks.label(name), {})
        for number, (path, label) in enumerate(zip(paths, shown, strict=True), start=place * len(paths) + 1):
            show = _named(progress, f"{number}/{steps} {label}")
            asked = ask(path, name, questions, out, engine=settings, overrides=overrides, progress=show)
            by_model.setdefault(label, []).append(asked)
    found = {name: {m: [read_answers(run) for run in own] for m, own in by.items()} for name, by in runs.items()}
    _require_answers(found, runs)
    far, notes = _divergences(runs, paths, shown, questions, progress) if kl else ({}, [])
    comparison = compare(
        found,
        budgets=budgets,
        seed=questions.seed,
        unread={name: unread_rows(next(iter(by.values()))[0]) for name, by in runs.items()},
        kl=far,
        notes=notes,
    )
    record = {
        "pairforge": pairforge.__version__,
        "models": [{"name": label, "model": path} for label, path in zip(shown, paths, strict=True)],
        "benchmarks": list(names),
        "questions": asdict(questions),
        "engine": settings,
        **comparison.to_json(),
    }
    write_text(out / "eval.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    write_text(out / "README.md", markdown(comparison))
    draw(comparison, out / "figure.png")
    return comparison


def _require_answers(found: dict[str, dict[str, list[list[Answer]]]], runs: dict[str, dict[str, list[Run]]]) -> None:
    for name, by_model in found.items():
        for model, seeds in by_model.items():
            for own, run in zip(seeds, runs[name][model], strict=True):
                if all(a.outcome == "failed" for a in own):
                    raise TrainError(f"{model} gave no answer to '{name}'", hint=f"see {run.engine_log_file}")


def _divergences(
    runs: dict[str, dict[str, list[Run]]],
    paths: Sequence[str],
    shown: Sequence[str],
    questions: Questions,
    progress: Progress,
) -> tuple[dict[tuple[str, str], Estimate], list[str]]:
    """The divergence of each later model (its first seed) from the first one, by benchmark and model; and which
    could not be measured."""
    found: dict[tuple[str, str], Estimate] = {}
    notes = []
    for name, by_model in runs.items():
        for label in list(by_model)[1:]:
            show = _named(progress, label)
            model, run = paths[shown.index(label)], by_model[label][0]
            try:
                found[name, label] = divergence(
                    model, paths[0], run, temperature=questions.temperature, seed=questions.seed, progress=show
                )
            except (SourceError, TrainError) as error:
                notes.append(f"KL of {label} on {name} was not measured: {error.message}")
    return found, notes


def _named(progress: Progress, label: str) -> Progress:
    """The same progress with the model's name in front of each stage."""
    return lambda stage, done, total, note: progress(f"{label} {stage}"[-40:], done, total, note)
