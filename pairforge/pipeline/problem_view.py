"""One problem under the rules of a view: how it ended, its samples, and what every rule says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pairforge.errors import RunError
from pairforge.filters.explain import ProblemRules, explain
from pairforge.pipeline.exporting import view_session
from pairforge.progress import Progress, quiet
from pairforge.run import Run

SHOWN_CHARACTERS = 600  # of a sample's text; the middle of a longer one is left out


@dataclass(frozen=True, slots=True)
class ProblemView:
    """`ending` says in words whether the view pairs the problem, or why it was dropped. `rules` has one entry per part
    of a mix. `texts` are the samples' texts by key, long ones without their middle."""

    problem_id: str
    question: str
    answer: str
    ending: str
    rules: list[ProblemRules]
    texts: Mapping[str, str]


def problem_view(run: Run, view: str, wanted: str, progress: Progress = quiet) -> ProblemView | None:
    """The problem whose id begins with `wanted`; None where there is none. Raises `RunError` where several do."""
    session = view_session(run, view, progress=progress)
    found = session.problems.filter(pl.col("id").str.starts_with(wanted))
    if found.is_empty():
        return None
    if found.height > 1:
        raise RunError(f"{found.height:,} problems begin with '{wanted}'", hint=f"such as {found['id'][0]}")
    problem_id = str(found["id"][0])
    evidence = session.evidence()
    rules = (
        explain(evidence, session.recipe.filter, problem_id) if problem_id in evidence.problems["problem_id"] else []
    )
    keys = session.samples.filter(pl.col("problem_id") == problem_id)["sample_key"]
    texts = {key: shortened(sample.text) for key, sample in sorted(run.texts(keys).items())}
    ending = ended(run, view, problem_id)
    return ProblemView(problem_id, found["question"][0], found["answer"][0], ending, rules, texts)


def ended(run: Run, view: str, problem_id: str) -> str:
    """What became of a problem in a view, in words."""
    folder = run.view(view)
    drops = pl.read_parquet(folder / "drops.parquet").filter(pl.col("subject") == problem_id)
    if drops.height:
        drop = drops.row(-1, named=True)
        return f"dropped by {drop['reason']} ({drop['stage']}): {drop['detail']} {drop['counts']}".strip()
    pairs = pl.read_parquet(folder / "pairs.parquet", columns=["problem_id", "id"]).filter(problem_id=problem_id)
    return f"paired: {', '.join(pairs['id'])}"


def shortened(text: str) -> str:
    half = SHOWN_CHARACTERS // 2
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:half]} [...] {text[-half:]}"
