"""Many rule sets over the same evidence: what each keeps, and how that differs from everything there was."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from pairforge.errors import RuleError
from pairforge.filters.evidence import Evidence
from pairforge.filters.ruleset import Rules, check_rules, columns_named
from pairforge.filters.select import Selection, select
from pairforge.filters.summary import QUANTILES, ViewSummary, shares, summarise
from pairforge.filters.sums import with_sums
from pairforge.filters.undecided import undecided

DIGITS = 4  # of the numbers of a table


@dataclass(frozen=True, slots=True)
class Arm:
    """One rule set of a sweep, with the settings that tell it from the others."""

    settings: Mapping[str, Any]
    rules: Rules
    seed: int = 0


Known = tuple["ArmResult", np.ndarray]
"""The result of an arm, and the hashes of its pairs."""


def label(settings: Mapping[str, Any]) -> str:
    """The settings on one line, without the prefix that all share."""
    return ", ".join(f"{name.removeprefix('filter.')}={_plain(value)}" for name, value in settings.items())


class ArmResult(ViewSummary):
    """What one rule set keeps: the summary of its pairs, and how that differs from all problems.

    `pass_rate_shift` is the distance of `pass_rate` from the mean over all problems, `source_shift` the total variation
    distance (0 to 1) of `sources` from the shares of all problems: both say what the rules select for besides what they
    name. `overlap` is the Jaccard similarity of the pairs with every arm of the sweep, in order. `comparable` is False
    where `notes` name something that early stopping or a budget decided: problems that were dropped, or what `pick`
    had to choose from, where arms pick differently or otherwise than by the default. `extra` holds measures that the
    caller added.
    """

    settings: dict[str, Any] = Field(default_factory=dict)
    pass_rate_shift: float | None = None
    source_shift: float | None = None
    overlap: list[float] = Field(default_factory=list)
    comparable: bool = True
    notes: list[str] = Field(default_factory=list)
    extra: dict[str, Any] = Field(default_factory=dict)

    @property
    def selection_shift(self) -> float | None:
        """How far the paired problems are from all problems: the larger of the shifts of pass rate and sources."""
        shifts = [abs(shift) for shift in (self.pass_rate_shift, self.source_shift) if shift is not None]
        return max(shifts, default=None)

    def to_json(self) -> dict[str, Any]:
        """Plain values, rounded; `extra` beside the rest."""
        row = self.model_dump(mode="json")
        settings, extra = row.pop("settings"), row.pop("extra")
        return {"settings": settings} | _rounded(row) | extra

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> ArmResult:
        """The inverse of `to_json`, but for the digits."""
        known = {name: value for name, value in row.items() if name in cls.model_fields}
        return cls(**known, extra={name: value for name, value in row.items() if name not in known})


def grid(axes: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values, the last axis varying fastest."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def sweep(
    evidence: Evidence,
    arms: Iterable[Arm],
    *,
    measure: Callable[[Selection], dict[str, Any]] | None = None,
    keep: Callable[[Arm, Selection], None] | None = None,
    columns: Sequence[str] = (),
    known: Callable[[Arm], Known | None] = lambda arm: None,
    store: Callable[[Arm, Known], None] = lambda arm, result: None,
) -> list[ArmResult]:
    """Apply every rule set; `measure` adds measures of its own, `keep` is handed each selection (to save it, say), with
    `columns` beside those of its pairs. An arm that `known` gives is not computed; `store` is handed all others.

    A rule set that contradicts itself gives a result with 0 pairs and a note, never an error; one that names a
    column that does not exist raises `RuleError`.
    """
    arms = list(arms)
    evidence = with_sums(evidence, {name for arm in arms for name in columns_named(arm.rules)})
    baseline = _baseline(evidence)
    differ = picks_differ(arms)
    results, sets = [], []
    for arm in arms:
        found = known(arm)
        if found is None:
            found = _run_arm(evidence, arm, baseline, measure, keep, columns, differ=differ)
            store(arm, found)
        result, keys = found
        results.append(result.model_copy(update={"settings": dict(arm.settings)}))
        sets.append(keys)
    overlaps = zip(results, _overlaps(sets), strict=True)
    return [result.model_copy(update={"overlap": row}) for result, row in overlaps]


def picks_differ(arms: Iterable[Arm]) -> bool:
    """Whether some arms choose among a problem's candidates otherwise than others, or than by default."""
    return len({_choice(arm.rules) for arm in arms} | {_choice(Rules())}) > 1


def _choice(rules: Rules) -> str:
    """What decides which of a problem's candidates are taken."""
    return repr((rules.pick, rules.pick_chosen, rules.per_problem, rules.pick == "closest" and rules.target_gap))


def to_table(results: Sequence[ArmResult]) -> pl.DataFrame:
    """One row per arm, one column per setting and number; what is a mapping or a list becomes JSON text."""
    rows = []
    for result in results:
        row = result.to_json()
        settings, means, quantiles, ranges = (row.pop(name) for name in ("settings", "means", "quantiles", "ranges"))
        flat = {name: _plain(value) for name, value in settings.items()} | row
        flat |= {f"{name}_mean": value for name, value in means.items()}
        for name, ends in ranges.items():
            flat |= {f"{name}_{end}": value for end, value in zip(("min", "max"), ends, strict=True)}
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
    columns: Sequence[str],
    *,
    differ: bool,
) -> Known:
    nothing = np.empty(0, dtype=np.uint64)
    try:
        check_rules(arm.rules)
    except RuleError as error:
        return ArmResult(settings=arm.settings, notes=[error.message]), nothing
    selection = select(evidence, arm.rules, seed=arm.seed, columns=columns)
    if keep is not None:
        keep(arm, selection)
    left = undecided(evidence, arm.rules, selection.drops)
    result = ArmResult(
        settings=arm.settings,
        comparable=left.problems == 0 and not (differ and left.picks),
        notes=[*left.notes(), *selection.shortfall, *selection.notes],
        extra=measure(selection) if measure is not None else {},
        **_described(summarise(selection.pairs), *baseline),
    )
    return result, selection.pairs["pair_hash"].to_numpy()


def _described(summary: ViewSummary, pass_rate: float | None, sources: Mapping[str, float]) -> dict[str, Any]:
    """The summary's numbers, and their distance from the pass rate and the source shares of all problems."""
    mine = summary.sources
    shift = sum(abs(mine.get(s, 0) - sources.get(s, 0)) for s in {*mine, *sources}) / 2
    known = summary.pass_rate is not None and pass_rate is not None
    return {
        **dict(summary),
        "pass_rate_shift": summary.pass_rate - pass_rate if known else None,  # type: ignore[operator]
        "source_shift": shift if summary.pairs else None,
    }


def _baseline(evidence: Evidence) -> tuple[float | None, dict[str, float]]:
    mean: Any = evidence.problems["pass_rate"].mean()
    return mean, shares(evidence.problems["source"])


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


def _rounded(value: Any) -> Any:
    """A JSON-like value with short numbers."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def _plain(value: Any) -> str:
    return "none" if value is None else str(value)
