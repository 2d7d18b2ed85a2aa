"""Judging: every stored solution gets its verdict."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pairforge.pipeline.ground_truth import named_sources, recipe_rules
from pairforge.pipeline.recipe_settings import open_verifier
from pairforge.pipeline.second_opinion import ask_judge, judge_suffix, opinions_counted
from pairforge.pipeline.session import Session
from pairforge.records import to_row
from pairforge.verifier import VERIFIER_VERSION, Item, verifier_version


def verify(session: Session, *, again: bool = False) -> None:
    """Judge every stored sample that has no verdict of this verifier yet (`again`: all); then compact the logs."""
    run, recipe = session.run, session.recipe
    with run.lock():
        missing = missing_verdicts(session, again=again)
        if missing:
            try:
                with run.timed("verify"), open_verifier(recipe, run) as verifier, run.verdict_log() as log:
                    for done, verdict in enumerate(verifier.verify(items(session, missing)), start=1):
                        log.append(to_row(verdict))
                        session.progress("verify", done, len(missing), "")
            finally:
                session.verdicts_changed()
            record_verifier(session)
        ask_judge(session)
        if recipe.verifier.judge is not None:
            record_verifier(session)
        if run.compact():
            session.verdicts_changed()


def record_verifier(session: Session) -> None:
    """Record which verifier judged last, and with which settings and rules: the dataset card tells it."""
    recipe, run = session.recipe, session.run
    rules = {name: recipe_rules(recipe, spec) for name, spec in named_sources(recipe, run)}
    told = {
        name: {"kind": own.kind, "percent": own.percent, "units": own.units, "version": verifier_version(own)}
        for name, own in rules.items()
    }
    version = ", ".join(dict.fromkeys(own["version"] for own in told.values())) or VERIFIER_VERSION
    settings = recipe.verifier.model_dump(mode="json", exclude={"python", "judge"})
    if judge := recipe.verifier.judge:
        settings["judge"] = {"model": judge.model, "counts": judge.counts, "opinions": opinions_counted(run)}
    run.update_manifest(verifier={**settings, "version": version, "sources": told})


def missing_verdicts(session: Session, *, again: bool = False) -> set[str]:
    """Keys of the samples that the recipe's verifier has not judged (`again`: of all). A failed request has none."""
    labelled = session.problems.filter(pl.col("answer") != "")["id"]  # others cannot be judged yet
    usable = (pl.col("finish_reason") != "error") & pl.col("problem_id").is_in(labelled.implode())
    kept = session.kept_samples.filter(usable).select("sample_key", "problem_id")
    judged = {} if again else dict(session.verdicts.select("sample_key", "verifier_version").iter_rows())
    judge = session.recipe.verifier.judge
    suffix = judge_suffix(judge).removesuffix("+counts") if judge else ""

    def is_current(key: str, problem: str) -> bool:
        own = session.truth.version(problem)
        return judged.get(key, "").removesuffix("+counts") in (own, own + suffix)

    return {key for key, problem in kept.iter_rows() if not is_current(key, problem)}


def items(session: Session, keys: set[str]) -> Iterator[Item]:
    """What the verifier needs of these samples, read as it is asked for."""
    for sample in session.run.each_sample():
        if sample.key in keys:
            yield session.truth.item(sample.key, sample.problem_id, sample.text, sample.finish_reason)
