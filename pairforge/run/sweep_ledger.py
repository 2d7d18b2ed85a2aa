"""The ledger of sweeps: `sweeps/<number>.json`, and the pairs of every arm as `sweeps/pairs/<digest>.npy`.

A sweep is written once and never changed. An arm is known by the digest of everything that decides its result, so that
a later sweep reads it instead of computing it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from pairforge.errors import RunError
from pairforge.run.atomic import replacing, write_text
from pairforge.run.layout import Layout
from pairforge.run.manifest import Stored, read_json


class SweepArm(Stored):
    """One arm: its digest, and its row of the table (see `pairforge.filters.sweep.ArmResult.to_json`)."""

    digest: str
    row: dict[str, Any]


class SweepRecord(Stored):
    """sweeps/<number>.json: a sweep with its arms in order. `overrides` are the settings that all arms share on top of
    the run's recipe, `date` is the day it was made (UTC), `pairforge` the version."""

    number: int
    date: str = ""
    pairforge: str = ""
    overrides: list[str] = Field(default_factory=list)
    arms: list[SweepArm] = Field(default_factory=list)


def sweep_records(run: Layout) -> list[SweepRecord]:
    """All sweeps of a run, the oldest first. Raises `RunError` where a file is damaged."""
    files = [file for file in run.sweeps_folder.glob("*.json") if file.stem.isdecimal()]
    return [read_json(file, SweepRecord) for file in sorted(files, key=lambda file: int(file.stem))]


def write_sweep_record(run: Layout, record: SweepRecord) -> None:
    """Store a sweep under its number."""
    write_text(run.sweeps_folder / f"{record.number}.json", record.model_dump_json(indent=2) + "\n")


def known_arms(records: Sequence[SweepRecord]) -> dict[str, dict[str, Any]]:
    """The rows of all arms by their digests."""
    return {arm.digest: arm.row for record in records for arm in record.arms}


def read_pair_hashes(run: Layout, digest: str) -> np.ndarray | None:
    """The hashes of an arm's pairs, or None where they are not stored."""
    file = run.sweep_pairs_file(digest)
    if not file.exists():
        return None
    try:
        return np.asarray(np.load(file, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise RunError(f"{file} is damaged: {error}", hint="delete it: the arm is computed again") from None


def write_pair_hashes(run: Layout, digest: str, hashes: np.ndarray) -> None:
    """Store the hashes of an arm's pairs."""
    with replacing(run.sweep_pairs_file(digest)) as temporary, temporary.open("wb") as handle:
        np.save(handle, hashes)
