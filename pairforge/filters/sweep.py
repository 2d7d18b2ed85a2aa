"""Many rule sets over the same evidence: what each keeps, and how that differs from everything there was."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from pairforge.errors import RuleError
from pairforge.filters.evidence import Evidence
from pairforge.filters.ruleset import Rules, check_rules
from pairforge.filters.select import Selection, select
from pairforge.filters.undecided import undecided

MEANS = ("prompt_tokens", "chosen_tokens", "rejected_tokens", "gap_tokens", "ratio")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Arm:
    """One rule set of a sweep, with the settings that tell it from the others."""

    settings: Mapping[str, Any]
    rules: Rules
    seed: int = 0


def label(settings: Mapping[str, Any]) -> str:
    """The settings on one line, without the prefix that all share."""
    return ", ".join(f"{name.removeprefix('filter.')}={_plain(value)}" for name, value in settings.items())


@dataclass(frozen=True, slots=True)
class ArmResult:
    """What one rule set keeps.

    `means` and `quantiles` (5, 25, 50, 75, 95 %) are over the pairs; `wrong_share` is the part with an incorrect
    rejected side. `pass_rate` is the mean over the covered problems, `pass_rate_shift` its distance from all problems;
    `sources` the share of pairs per source, `source_shift` the total variation distance (0 to 1) from all problems:
    both say what the rules select for besides what they name. `overlap` is the Jaccard similarity of the pairs with
    every arm of the sweep, in order. `comparable` is False where `notes` name something that early stopping or a
    budget decided. `extra` holds measures that the caller added.
    """

    settings: Mapping[str, Any]
    pairs: int = 0
    problems: int = 0
    means: dict[str, float | None] = field(default_factory=dict)
    quantiles: dict[str, list[float | None]] = field(default_factory=dict)
    wrong_share: float | None = None
    pass_rate: float | None = None
    pass_rate_shift: float | None = None
    sources: dict[str, float] = field(default_factory=dict)
    source_shift: float | None = None
    overlap: list[float] = field(default_factory=list)
    comparable: bool = True
    notes: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `extra` beside the rest."""
        row = asdict(self)
        return row | row.pop("extra")


def grid(axes: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values, the last axis varying fastest."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def sweep(
    evidence: Evidence,
    arms: Iterable[Arm],
    *,
    measure: Callable[[Selection], dict[str, Any]] | None = None,
    keep: Callable[[Arm, Selection], None] | None = None,
) -> list[ArmResult]:
    """Apply every rule set; `measure` adds measures of its own, `keep` is handed each selection (to save it, say).

    A rule set that contradicts itself gives a result with 0 pairs and a note, never an error; one that names a
    column that does not exist raises `RuleError`.
    """
    baseline = _baseline(evidence)
    results, sets = [], []
    for arm in arms:
        result, keys = _run_arm(evidence, arm, baseline, measure, keep)
        results.append(result)
        sets.append(keys)
    for result, row in zip(results, _overlaps(sets), strict=True):
        result.overlap.extend(row)
    return results


def to_table(results: Sequence[ArmResult]) -> pl.DataFrame:
    """One row per arm, one column per setting and number; what is a mapping or a list becomes JSON text."""
    rows = []
    for result in results:
        row = result.to_json()
        settings, means, quantiles = row.pop("settings"), row.pop("means"), row.pop("quantiles")
        flat = {name: _plain(value) for name, value in settings.items()} | row
        flat |= {f"{name}_mean": value for name, value in means.items()}
        for name, values in quantiles.items():
            flat |= {f"{name}_q{round(q * 100):02}": value for q, value in zip(QUANTILES, values, strict=True)}
        rows.append({k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in flat.items()})
    return pl.DataFrame(rows, infer_schema_length=None)


def _run_arm(
    evidence: Evidence,
    arm: Arm,
    baseline: tuple[float | None, dict[str, float]],
    measure: Callable[[Selection], dict[str, Any]] | None,
    keep: Callable[[Arm, Selection], None] | None,
) -> tuple[ArmResult, np.ndarray]:
    nothing = np.empty(0, dtype=np.uint64)
    try:
        check_rules(arm.rules)
    except RuleError as error:
        return ArmResult(arm.settings, notes=[error.message]), nothing
    selection = select(evidence, arm.rules, seed=arm.seed)
    if keep is not None:
        keep(arm, selection)
    left = undecided(evidence, arm.rules, selection.drops)
    result = ArmResult(
        settings=arm.settings,
        comparable=left.problems == 0,
        notes=[*left.notes(), *selection.shortfall],
        extra=measure(selection) if measure is not None else {},
        **describe(selection.pairs, *baseline),
    )
    pairs = selection.pairs.select("chosen_key", "rejected_key")
    return result, pairs.hash_rows(seed=0).to_numpy()


def describe(pairs: pl.DataFrame, pass_rate: float | None, sources: Mapping[str, float]) -> dict[str, Any]:
    """The numbers of `ArmResult` for one set of pairs, against the pass rate and source shares of all problems."""
    covered = pairs.unique("problem_id")
    mine = _shares(pairs["source"])
    mean = _number(covered["pass_rate"].mean())
    measured = ("chosen_tokens", "rejected_tokens", "gap_tokens", "ratio")
    shift = sum(abs(mine.get(s, 0) - sources.get(s, 0)) for s in {*mine, *sources}) / 2
    return {
        "pairs": pairs.height,
        "problems": covered.height,
        "means": {name: _number(pairs[name].mean()) for name in MEANS},
        "quantiles": {name: [_number(pairs[name].quantile(q, "linear")) for q in QUANTILES] for name in measured},
        "wrong_share": _number(pairs.select((pl.col("rejected_status") == "incorrect").mean()).item()),
        "pass_rate": mean,
        "pass_rate_shift": round(mean - pass_rate, 4) if mean is not None and pass_rate is not None else None,
        "sources": mine,
        "source_shift": round(shift, 4) if pairs.height else None,
    }


def _baseline(evidence: Evidence) -> tuple[float | None, dict[str, float]]:
    return _number(evidence.problems["pass_rate"].mean()), _shares(evidence.problems["source"])


def _shares(values: pl.Series) -> dict[str, float]:
    counts = values.value_counts(sort=False).sort(values.name)
    return {name: round(count / len(values), 4) for name, count in counts.iter_rows()}


def _overlaps(sets: Sequence[np.ndarray]) -> Iterator[list[float]]:
    """Jaccard similarity of every two sets: the size of what they share over the size of both together."""
    if not sets:
        return
    ids, codes = np.unique(np.concatenate(sets), return_inverse=True)
    member = np.zeros((len(sets), len(ids)), dtype=bool)
    member[np.repeat(np.arange(len(sets)), [len(s) for s in sets]), codes] = True
    shared = np.zeros((len(sets), len(sets)))
    for start in range(0, len(ids), 100_000):  # a slice at a time: as numbers, the whole would be large
        part = member[:, start : start + 100_000].astype(np.float32)
        shared += part @ part.T
    sizes = shared.diagonal()
    together = sizes[:, None] + sizes[None, :] - shared
    ratio = np.divide(shared, together, out=np.zeros_like(shared), where=together > 0)
    yield from np.round(ratio, 4).tolist()


def _number(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)


def _plain(value: Any) -> str:
    return "none" if value is None else str(value)
