"""The arms of sweeps that a run remembers: not computed again, and compared with those of earlier sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

import pairforge
from pairforge.filters import Evidence
from pairforge.filters.fingerprint import Fingerprints
from pairforge.filters.ruleset import columns_named, without_sides
from pairforge.filters.sweep import Arm, ArmResult, Known, label, picks_differ
from pairforge.pipeline.session import Session
from pairforge.records import digest
from pairforge.run.sweep_ledger import (
    SweepArm,
    SweepRecord,
    known_arms,
    read_pair_hashes,
    sweep_records,
    write_pair_hashes,
    write_sweep_record,
)

EARLIER = ("earlier_sweep", "earlier_pairs", "earlier_shift", "earlier_overlap")
"""What the result of an arm says of the latest earlier sweep with the same settings and another result: its number,
its pairs, its selection shift, and the overlap (Jaccard similarity) of the pairs."""


class ArmLedger:
    """The ledger of a session's run, for arms of one sweep."""

    def __init__(self, session: Session, evidence: Evidence, arms: Sequence[Arm], *, surfaces: bool) -> None:
        self._session, self._surfaces, self._arms = session, surfaces, arms
        self._fingerprints = Fingerprints(evidence)
        self._records = sweep_records(session.run)
        self._rows = known_arms(self._records)
        self._hashes: dict[str, np.ndarray] = {}

    def digest(self, arm: Arm) -> str:
        """What decides an arm's result: the rules, the seed, the evidence as far as they look at it, the format."""
        session = self._session
        form = session.recipe.format.model_dump(mode="json", exclude={"columns"}) if self._surfaces else None
        names = without_sides(columns_named(arm.rules)) | {"pass_rate", "source"}
        rules = arm.rules.model_dump(mode="json", exclude_defaults=True)
        kind = [picks_differ(self._arms), form]  # what a sweep looks at besides
        return digest([pairforge.__version__, rules, arm.seed, self._fingerprints.of(names), *kind])

    def read(self, arm: Arm) -> Known | None:
        """The result of an arm that is in the ledger, and the hashes of its pairs; None where either is missing."""
        name = self.digest(arm)
        row, hashes = self._rows.get(name), read_pair_hashes(self._session.run, name)
        if row is None or hashes is None:
            return None
        self._hashes[name] = hashes
        return ArmResult.from_json({key: value for key, value in row.items() if key not in EARLIER}), hashes

    def store(self, arm: Arm, known: Known) -> None:
        """Keep the hashes of an arm's pairs; `record` keeps its result."""
        name = self.digest(arm)
        self._hashes[name] = known[1]
        write_pair_hashes(self._session.run, name, known[1])

    def record(self, results: Sequence[ArmResult], overrides: Sequence[str]) -> list[ArmResult]:
        """Write the sweep; returns the results with what an earlier sweep says of the same settings (`EARLIER`)."""
        names = [self.digest(arm) for arm in self._arms]
        compared = [self._with_earlier(name, result) for name, result in zip(names, results, strict=True)]
        rows = [SweepArm(digest=name, row=result.to_json()) for name, result in zip(names, compared, strict=True)]
        number = max((record.number for record in self._records), default=0) + 1
        today = datetime.now(UTC).date().isoformat()
        record = SweepRecord(
            number=number, date=today, pairforge=pairforge.__version__, overrides=[*overrides], arms=rows
        )
        write_sweep_record(self._session.run, record)
        return compared

    def _with_earlier(self, name: str, result: ArmResult) -> ArmResult:
        earlier = next(
            (
                (record.number, arm)
                for record in reversed(self._records)
                for arm in record.arms
                if label(arm.row["settings"]) == label(result.settings)
            ),
            None,
        )
        if earlier is None or earlier[1].digest == name:
            return result
        number, arm = earlier
        before = ArmResult.from_json(arm.row)
        theirs = read_pair_hashes(self._session.run, arm.digest)
        overlap = None if theirs is None else _jaccard(theirs, self._hashes[name])
        found: tuple[Any, ...] = (number, before.pairs, before.selection_shift, overlap)
        return result.model_copy(update={"extra": {**result.extra, **dict(zip(EARLIER, found, strict=True))}})


def _jaccard(one: np.ndarray, other: np.ndarray) -> float:
    together = np.union1d(one, other).size
    return round(np.intersect1d(one, other).size / together, 4) if together else 1.0
