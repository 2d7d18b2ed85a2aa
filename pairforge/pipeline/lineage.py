"""Where an arm's model comes from: the record that `pairforge train` keeps beside a model it has trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic

from pairforge import demo
from pairforge.run.manifest import TrainedRecord

MOST_ROUNDS = 100  # a chain of records longer than this refers to itself


def lineage(model: str) -> list[TrainedRecord]:
    """The trainings that led to a model, newest first: what `train.json` says of it, of the model it was trained from,
    and so on. Empty for a model that pairforge did not train, or whose record cannot be read."""
    found: list[TrainedRecord] = []
    while len(found) < MOST_ROUNDS and (record := read_training(demo.resolve(model))):
        found.append(record)
        model = record.base
    return found


def read_training(model: str) -> TrainedRecord | None:
    """The finished training behind a model folder."""
    try:
        said = json.loads((Path(model) / "train.json").read_text())
        return _record(said) if said.get("finished") else None
    except (OSError, ValueError, AttributeError, KeyError, TypeError, pydantic.ValidationError):
        return None


def _record(said: dict[str, Any]) -> TrainedRecord:
    settings, data = said["settings"], said["data"]
    return TrainedRecord(
        base=settings["model"],
        method=settings["method"],
        data=data["name"],
        digest=data["revision"],
        rows=data["rows"],
        finished=said["finished"],
    )
