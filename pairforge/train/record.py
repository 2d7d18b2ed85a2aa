"""What a training run says about itself: train.json, and the result a caller gets."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pairforge
from pairforge.config import flatten
from pairforge.errors import TrainError
from pairforge.records import digest
from pairforge.run.atomic import write_text
from pairforge.train import launch
from pairforge.train.arguments import Settings
from pairforge.train.data import TrainData


@dataclass(frozen=True, slots=True)
class Result:
    """How a training run ended. `path` holds the model; `seconds` is the time of the steps of this process."""

    path: str
    rows: int
    steps: int
    loss: float
    seconds: float
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_record(out: Path) -> dict[str, Any]:
    """What train.json says, empty when `out` is new.

    Raises `TrainError` when `out` holds something else.
    """
    if (out / "train.json").exists():
        return dict(json.loads((out / "train.json").read_text()))
    if out.exists() and any(out.iterdir()):
        raise TrainError(f"{out} is not empty and holds no training run", hint="name another folder with --out")
    return {}


def write_record(out: Path, record: dict[str, Any]) -> None:
    if launch.is_main():
        write_text(out / "train.json", json.dumps(record, indent=2, ensure_ascii=False, default=str) + "\n")


def refuse_other_run(there: dict[str, Any], out: Path, settings: Settings, data: TrainData) -> None:
    """Raise `TrainError` naming the arguments that differ from those of the run in `out`."""
    if not there:
        return
    here = json.loads(json.dumps(settings.to_json(), default=str))
    before = {**flatten(there["settings"]), "data": there["data"]["revision"]}
    now = {**flatten(here), "data": data.revision}
    changed = [k for k in sorted({*before, *now}) if before.get(k) != now.get(k)]
    if changed:
        shown = "; ".join(f"{k}: {before.get(k)!r} there, {now.get(k)!r} here" for k in changed[:6])
        raise TrainError(f"{out} holds a run with other settings: {shown}", hint="name another folder with --out")


def result_of(record: dict[str, Any], out: Path) -> Result:
    return Result(
        str(out), record["data"]["rows"], record["steps"], record["loss"], record["seconds"], tuple(record["warnings"])
    )


def default_name(settings: Settings, data: TrainData) -> str:
    """A folder name that says the method and tells settings apart: dpo-1f2e3d4c."""
    return f"{settings.method}-{digest([settings.to_json(), data.revision])[:8]}"


def versions() -> dict[str, str]:
    names = ("trl", "transformers", "torch")
    return {"pairforge": pairforge.__version__, **{name: version(name) for name in names}}


def device_name() -> str:
    """The device that trains, for the card."""
    import torch

    if torch.cuda.is_available():
        return f"{launch.launched()} x {torch.cuda.get_device_name(0)}"
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"
