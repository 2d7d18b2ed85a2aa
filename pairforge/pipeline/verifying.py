"""Judging: every stored solution gets its verdict."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pairforge.pipeline.recipe_settings import open_verifier
from pairforge.pipeline.session import Session
from pairforge.records import to_row
from pairforge.verifier import Item, verifier_version


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
        if run.compact():
            session.verdicts_changed()


def record_verifier(session: Session) -> None:
    """Record which verifier judged last, and with which settings: the dataset card tells it."""
    settings = session.recipe.verifier
    version = verifier_version(settings.percent)
    session.run.update_manifest(verifier={**settings.model_dump(mode="json"), "version": version})


def missing_verdicts(session: Session, *, again: bool = False) -> set[str]:
    """Keys of the samples that the recipe's verifier has not judged (`again`: of all). A failed request has none."""
    keys = set(session.kept_samples.filter(pl.col("finish_reason") != "error")["sample_key"])
    if again:
        return keys
    version = verifier_version(session.recipe.verifier.percent)
    current = session.verdicts.filter(pl.col("verifier_version") == version)
    return keys.difference(current["sample_key"])


def items(session: Session, keys: set[str]) -> Iterator[Item]:
    """What the verifier needs of these samples, read as it is asked for."""
    answers = dict(session.problems.select("id", "answer").iter_rows())
    for sample in session.run.each_sample():
        if sample.key in keys:
            yield Item(sample.key, answers[sample.problem_id], sample.text, sample.finish_reason)
