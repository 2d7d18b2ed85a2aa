"""The tables of several runs put together in one run. What is there already is not stored again.

Every file is replaced as a whole and the problems come last, so that a kill at any moment leaves a run that the same
calls complete.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence

import polars as pl

from pairforge.errors import RunError
from pairforge.records import Drop, Problem, Sample, Verdict, to_row
from pairforge.run import score_files
from pairforge.run.atomic import write_rows
from pairforge.run.compaction import forget_lengths, rewrite_sampled
from pairforge.run.directory import Run

Read = Callable[[Run], Iterator[Sample]]


def merge_samples(into: Run, parts: Sequence[Run]) -> int:
    """Store the parts' given and sampled solutions; returns how many are new.

    A failed request gives way to the solution that another run has of the same draw. Raises `RunError` naming the
    sample of which two runs have different texts, before anything is written.
    """
    runs = [into, *parts]
    given, sampled = _winners(runs, Run.given), _winners(runs, Run.sampled)
    new_given, new_sampled = (sum(run is not into for run in found.values()) for found in (given, sampled))
    if new_given:
        with into.given_writer() as add:
            for sample in _of_winners(runs, given, Run.given):
                add([sample])
    if new_sampled:
        stored = (key for frame in into.sample_batches(texts=False) for key in frame["sample_key"])
        if any(sampled.get(key, into) is not into for key in stored):
            forget_lengths(into)
        rewrite_sampled(into, _of_winners(runs, sampled, Run.sampled))
    return new_given + new_sampled


def _winners(runs: Sequence[Run], read: Read) -> dict[str, Run]:
    """Of which run each sample is taken: the first that has it, where possible one where the request did not fail."""
    found: dict[str, tuple[Run, bytes]] = {}
    for run in runs:
        for sample in read(run):
            mine = b"" if sample.finish_reason == "error" else _fingerprint(sample)
            there, theirs = found.get(sample.key, (run, b""))
            if not theirs:
                found[sample.key] = (run, mine) if mine or sample.key not in found else (there, theirs)
            elif mine and mine != theirs:
                raise RunError(
                    f"{there.path} and {run.path} have different solutions of the same draw, {sample.key}",
                    hint="one of them was sampled again. Merge only one of the two",
                )
    return {key: run for key, (run, _) in found.items()}


def _of_winners(runs: Sequence[Run], winners: dict[str, Run], read: Read) -> Iterator[Sample]:
    return (sample for run in runs for sample in read(run) if winners[sample.key] is run)


def _fingerprint(record: Sample | Problem) -> bytes:
    return hashlib.blake2b(json.dumps(to_row(record)).encode(), digest_size=8).digest()


def merge_verdicts(into: Run, parts: Sequence[Run], versions: Collection[str]) -> None:
    """Store one verdict per sample: of these versions of the verifier where there is one, else of the first run."""
    there = into.verdict_table()
    tables = [run.verdict_table().with_columns(place=pl.lit(place)) for place, run in enumerate((into, *parts))]
    ranked = pl.concat(tables).sort(~pl.col("verifier_version").is_in(list(versions)), "place", maintain_order=True)
    kept = ranked.unique("sample_key", keep="first", maintain_order=True).drop("place")
    if not kept.sort("sample_key").equals(there.sort("sample_key")):
        write_rows(into.verdicts_file, kept.iter_rows(named=True), Verdict)
        into.verdict_log_file.unlink(missing_ok=True)


def merge_scores(into: Run, parts: Sequence[Run]) -> None:
    """Store the parts' scores; of a value that several runs have the last one counts.

    Raises `RunError` naming a score that two runs made from different things.
    """
    for name in sorted({name for run in parts for name in score_files.score_names(run)}):
        having = [run for run in (into, *parts) if name in score_files.score_names(run)]
        records = [score_files.score_record(run, name) for run in having]
        for run, record in zip(having, records, strict=True):
            if (record.kind, record.key, record.made_from) != (records[0].kind, records[0].key, records[0].made_from):
                raise RunError(
                    f"score '{name}' of {run.path} was made from {record.made_from}, that of {having[0].path} from "
                    f"{records[0].made_from}",
                    hint="score the merged run instead",
                )
        tables = [score_files.read_score(run, name) for run in having]
        joined = pl.concat(tables, how="diagonal_relaxed").unique(records[0].key, keep="last", maintain_order=True)
        score_files.write_score(into, records[-1], joined)


def merge_problems(into: Run, parts: Sequence[Run]) -> int:
    """Store the parts' problems and drops; returns how many problems are new. Call it last.

    Raises `RunError` naming the problem of which two runs have different versions, before anything is written.
    """
    found: dict[str, Problem] = {}
    before = 0
    for run in (into, *parts):
        for problem in run.source_problems() if run.has_problems else ():
            if found.setdefault(problem.id, problem) != problem:
                raise RunError(
                    f"{run.path} has another version of problem {problem.id} than the runs before it",
                    hint="their sources differ: draw the shards again from the same data",
                )
        if run is into:
            before = len(found)
    _merge_sampling_drops(into, parts)
    decided = pl.concat([run.majorities() for run in (into, *parts)]).unique("problem_id", maintain_order=True)
    if decided.height > into.majorities().height:
        into.write_majorities(decided)
    if len(found) > before:
        source_drops = {(d.subject, d.stage, d.reason): d for run in parts for d in run.source_drops()}
        into.write_sources(found.values(), source_drops.values())
    return len(found) - before


def _merge_sampling_drops(into: Run, parts: Sequence[Run]) -> None:
    """A part knows best why its own problems are not drawn: what another run said of them before is out of date."""
    there = list(into.sampling_drops())
    theirs = {problem_id for run in parts for problem_id in run.problem_table(["id"])["id"]}
    drops: list[Drop] = [drop for drop in there if drop.subject not in theirs]
    drops += [drop for run in parts for drop in run.sampling_drops()]
    if drops != there:
        into.write_sampling_drops(drops)
