"""Logs turned into parquet, and stored evidence taken out again. All of it survives a kill at any moment."""

from __future__ import annotations

from collections.abc import Iterable

from pairforge.records import Sample, Verdict, to_row
from pairforge.run.atomic import write_rows
from pairforge.run.derived_file import remove_derived
from pairforge.run.score_files import forget_given
from pairforge.run.tables import Tables


def compact(run: Tables) -> int:
    """Turn the two logs into parquet. A crash in between leaves both; readers then see each record once.

    Returns how many verdicts were removed because their sample is not stored: after a power loss a verdict may have
    outlived it.
    """
    if run.sampled_log_file.exists():
        rewrite_sampled(run, run.sampled())
    if not run.verdict_log_file.exists():
        return 0
    stored = {key for frame in run.sample_batches(texts=False) for key in frame["sample_key"]}
    last = {verdict.sample_key: verdict for verdict in run.each_verdict()}
    kept = [verdict for key, verdict in last.items() if key in stored]
    write_rows(run.verdicts_file, map(to_row, kept), Verdict)
    run.verdict_log_file.unlink()
    return len(last) - len(kept)


def forget_errors(run: Tables) -> int:
    """Remove the samples whose request failed, so that they are drawn again; returns how many there were."""
    failed = sum(sample.finish_reason == "error" for sample in run.sampled())
    if failed:
        forget_lengths(run)  # the new draw has the same key and another text
        rewrite_sampled(run, (sample for sample in run.sampled() if sample.finish_reason != "error"))
    return failed


def forget_sources(run: Tables) -> None:
    """Mark the sources as not read; what was sampled stays.

    Verdicts and lengths go, and the scores of given solutions: when the sources are read again, a problem may have
    another ground truth and a given solution another number.
    The verifier's cache of decisions stays, so judging again is quick.
    """
    remove_derived(run)
    forget_given(run)
    forget_lengths(run)
    for file in (run.verdicts_file, run.verdict_log_file, run.majority_file, run.problems_file):
        file.unlink(missing_ok=True)


def forget_lengths(run: Tables) -> None:
    """Remove the cached token counts and text measures: they are kept by sample key, whatever its text."""
    for file in run.path.glob("lengths/*.parquet"):
        file.unlink(missing_ok=True)


def rewrite_sampled(run: Tables, sampled: Iterable[Sample]) -> None:
    """Store these as the sampled solutions, in place of parquet file and log."""
    write_rows(run.sampled_file, map(to_row, sampled), Sample)
    run.sampled_log_file.unlink(missing_ok=True)
