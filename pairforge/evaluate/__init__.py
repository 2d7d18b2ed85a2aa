"""Accuracy and length of models on benchmarks, before and after, with the uncertainty that a reader needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pairforge
from pairforge.evaluate import benchmarks
from pairforge.evaluate.report import Comparison, compare, draw, markdown
from pairforge.evaluate.run import Questions, answers, common_dtype, labels, save_json, to_json
from pairforge.evaluate.statistics import Answer
from pairforge.pipeline import Progress, quiet
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
    progress: Progress = quiet,
) -> Comparison:
    """Ask every model every benchmark's questions and compare all with the first model.

    All models are asked in one precision (the engine's `dtype`, or the widest that any of them is stored in) and
    under one prompt. Writes eval.json, README.md (the table) and figure.png to `out`; what was answered before is
    not asked again.
    """
    settings = {"dtype": common_dtype(models), **(engine or {})}
    shown = labels(models)
    found: dict[str, dict[str, list[Answer]]] = {}
    for name in names:
        by_model = {}
        for model, label in zip(models, shown, strict=True):
            by_model[label] = answers(
                model, name, questions, out, engine=settings, overrides=overrides, progress=_named(progress, label)
            )
        found[benchmarks.label(name)] = by_model
    comparison = compare(found, seed=questions.seed)
    record = {
        "pairforge": pairforge.__version__,
        "models": dict(zip(shown, models, strict=True)),
        "benchmarks": list(names),
        "questions": to_json(questions),
        "engine": settings,
        **comparison.to_json(),
    }
    save_json(out, record)
    write_text(out / "README.md", markdown(comparison))
    draw(comparison, out / "figure.png")
    return comparison


def _named(progress: Progress, label: str) -> Progress:
    """The same progress with the model's name in front of each stage."""
    return lambda stage, done, total, note: progress(f"{label} {stage}"[-40:], done, total, note)
