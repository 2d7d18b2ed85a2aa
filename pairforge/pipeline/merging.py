"""Runs of one recipe, sampled on several machines, put together in one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pairforge.config import flatten
from pairforge.errors import RunError
from pairforge.pipeline.recipe_changes import Changes, changes
from pairforge.pipeline.recipe_settings import evidence_settings, run_recipe
from pairforge.pipeline.second_opinion import verifier_versions
from pairforge.recipe import dump_recipe
from pairforge.run import Run, open_run
from pairforge.run.manifest import MergedRecord
from pairforge.run.merged_tables import merge_problems, merge_samples, merge_scores, merge_verdicts
from pairforge.sources.shard import Shard, parse_shard

RULES = ("filter", "format", "verifier")  # blocks that are no evidence, and that the merged run has once
MACHINE = ("verifier.workers",)  # of which each machine has its own
# Sections of the manifest that the merged run takes from its parts.
COMMON = ("pairforge", "sources", "decontamination", "target", "sampled_for", "verifier")


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merged run holds. `new_samples` and `new_problems` were added by this call; `missing` are the shards that
    were never merged."""

    run: str
    problems: int
    samples: int
    new_problems: int
    new_samples: int
    shards: tuple[str, ...]
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


def merge(runs: Sequence[str | Path], into: str | Path) -> Merged:
    """Put runs of one recipe together in the run `into`, which is made, or grows by what it does not have.

    Doing it again changes nothing, and a run that was sampled further can be merged again. Raises `RunError` when the
    runs were made with different settings or from different sources (the difference is named), when two of them have
    different content under one key, or when another process works on one of them.
    """
    target = Run(Path(into))
    parts = sorted((open_run(str(run)) for run in runs), key=lambda run: (shard_order(run), str(run.path)))
    _check_places(parts, target)
    with ExitStack() as locks:
        for run in (*parts, target):
            locks.enter_context(run.lock())
        target.remove_leftovers()
        for part in parts:
            if not part.has_problems:
                raise RunError(f"{part.path} has not read its sources yet", hint="sample it first")
        started = target.has_problems or target.has_samples
        check_one_recipe([target, *parts] if started else parts)
        if not started:
            target.write_recipe(dump_recipe(run_recipe(parts[0]).model_copy(update={"shard": None})))
        new_samples = merge_samples(target, parts)
        merge_verdicts(target, parts, verifier_versions(run_recipe(target)))
        merge_scores(target, parts)
        target.update_manifest(**merged_sections(target, parts))
        new_problems = merge_problems(target, parts)  # last: the problems mark the sources as read
    return _summary(target, new_problems, new_samples)


def _check_places(parts: Sequence[Run], target: Run) -> None:
    if target.path.exists() and not target.is_empty and not target.recipe_file.exists():
        raise RunError(f"{target.path} exists but is not a pairforge run", hint="name another directory with --into")
    seen = {target.path.resolve(): "it is named by --into as well"}
    for part in parts:
        if part.path.resolve() in seen:
            raise RunError(f"cannot merge {part.path}: {seen[part.path.resolve()]}", hint="name every run once")
        seen[part.path.resolve()] = "it is named twice"


def shard_of(run: Run) -> Shard | None:
    """The shard that a run is, None for a run of its own."""
    shard = run_recipe(run).shard
    return parse_shard(shard) if shard else None


def shard_order(run: Run) -> tuple[int, int]:
    """Where a run stands among others: the order in which they are named does not matter."""
    shard = shard_of(run)
    return (shard.of, shard.number) if shard else (0, 0)


# --- one recipe ----------------------------------------------------------------------------------------------------


def check_one_recipe(runs: Sequence[Run]) -> None:
    """Raises `RunError` naming the first differences between runs that are not of one recipe and the same sources."""
    for run in runs[1:]:
        different = differences(runs[0], run)
        if different:
            shown = [f"{key}: {there!r} there, {here!r} here" for key, (there, here) in list(different.items())[:6]]
            more = [f"{len(different) - 6} more"] if len(different) > 6 else []
            raise RunError(
                f"{run.path} is not of the same recipe and sources as {runs[0].path}: {'; '.join([*shown, *more])}",
                hint="only runs that differ in nothing but their shard can be merged",
            )


def differences(first: Run, other: Run) -> Changes:
    """Where two runs differ in what they must have in common: the settings of the evidence, the rules, what the
    sources gave, and what was sampled for, as far as both have come."""
    found = changes(settings(first), settings(other))
    there, here = (run.manifest().to_json() for run in (first, other))
    for section in ("sources", "decontamination", "target"):
        if there.get(section) and here.get(section):
            found |= changes(flatten({section: there[section]}), flatten({section: here[section]}))
    for name in there.get("arms", {}).keys() & here.get("arms", {}).keys():
        weights = (there["arms"][name].get("weights"), here["arms"][name].get("weights"))
        if all(weights) and weights[0] != weights[1]:
            found[f"arms.{name}.weights"] = weights
    return found


def settings(run: Run) -> dict[str, Any]:
    """The recipe's settings that decide evidence and rules, as key paths; without those of the machine."""
    raw = run_recipe(run).model_dump(mode="json")
    rules = flatten({name: raw[name] for name in RULES})
    return evidence_of(run) | {key: value for key, value in rules.items() if key not in MACHINE}


def _is_sampled(manifest: dict[str, Any]) -> bool:
    return all(stage["finished"] for stage in manifest.get("sampled_for", ()))


def evidence_of(run: Run) -> dict[str, Any]:
    """The settings that decide the evidence, but for the shard."""
    found = run.manifest().evidence or evidence_settings(run_recipe(run))
    return {key: value for key, value in found.items() if key != "shard"}


# --- the manifest --------------------------------------------------------------------------------------------------


def merged_sections(target: Run, parts: Sequence[Run]) -> dict[str, Any]:
    """The sections of the merged run's manifest: what its parts have in common, and what each of them took."""
    there = target.manifest()
    merged = {name: record.model_dump(mode="json") for name, record in there.merged.items()}
    merged |= {part_name(part): record_of(part).model_dump(mode="json") for part in parts}
    records = [MergedRecord.model_validate(record) for record in merged.values()]
    seconds = _total(there.seconds, (r.seconds for r in there.merged.values()), (r.seconds for r in records))
    of_arms = _total(
        {name: arm.seconds for name, arm in there.arms.items()},
        (r.arm_seconds for r in there.merged.values()),
        (r.arm_seconds for r in records),
    )
    sections = sorted((part.manifest().to_json() for part in parts), key=_is_sampled)  # what is unfinished counts
    kept = {name: found[name] for name in COMMON for found in reversed(sections) if found.get(name)}
    return {
        **kept,
        "evidence": evidence_of(parts[0]),
        "merged": merged,
        "arms": {name: record | {"seconds": of_arms.get(name, 0.0)} for name, record in _arms(target, parts).items()},
        "seconds": seconds,
    }


def part_name(run: Run) -> str:
    """The name of a part in the merged run's manifest: its shard, or its own name."""
    return str(shard_of(run) or run.name)


def record_of(run: Run) -> MergedRecord:
    """What a part held when it was merged, and what it took."""
    problems, samples = run.problem_table(["id"]).height, sum(1 for _ in run.sampled())
    manifest = run.manifest()
    return MergedRecord(
        run=run.name,
        problems=problems,
        samples=samples,
        seconds=manifest.seconds,
        arm_seconds={name: arm.seconds for name, arm in manifest.arms.items()},
    )


def _total(
    there: Mapping[str, float], before: Iterable[Mapping[str, float]], now: Iterable[Mapping[str, float]]
) -> dict[str, float]:
    """Seconds by name: those of the merged run itself, and of its parts as they are now in place of before."""
    total: dict[str, float] = dict(there)
    for sign, records in ((-1, before), (1, now)):
        for record in records:
            for name, value in record.items():
                total[name] = total.get(name, 0.0) + sign * value
    return {name: round(value, 2) for name, value in total.items() if round(value, 2) > 0}


def _arms(target: Run, parts: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """The arms' records: of several token ratios the smallest, so that no draw of a part looks cut too early."""
    found: dict[str, dict[str, Any]] = {}
    for run in (target, *parts):
        for name, arm in run.manifest().to_json().get("arms", {}).items():
            ratios = [found.get(name, {}).get("token_ratio"), arm.get("token_ratio")]
            known = [ratio for ratio in ratios if ratio]
            smallest = {"token_ratio": min(known, key=lambda ratio: float(ratio["safe"]))} if known else {}
            found[name] = {**found.get(name, {}), **arm, **smallest}
    return found


def _summary(target: Run, new_problems: int, new_samples: int) -> Merged:
    names = list(target.manifest().merged)
    of = {int(name.partition("/")[2]) for name in names if "/" in name}
    wanted = [str(Shard(number + 1, each)) for each in sorted(of) for number in range(each)]
    return Merged(
        run=str(target.path),
        problems=target.problem_table(["id"]).height,
        samples=target.sample_count(),
        new_problems=new_problems,
        new_samples=new_samples,
        shards=tuple(names),
        missing=tuple(name for name in wanted if name not in names),
    )
