"""Small grids over training arguments: ThinkPO is sensitive to beta and the learning rate, say its authors."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from pairforge.errors import TrainError
from pairforge.vary import parse_vary

Arm = dict[str, str]
"""The overrides of one arm: {"train.beta": "0.01", ...}."""


def combinations(vary: Sequence[str]) -> list[Arm]:
    """`["train.beta=0.01,0.05", "train.learning_rate=1e-7,3e-7"]` as four arms; nothing to vary is one arm.

    Raises `RecipeError` for an option without values, `TrainError` for a key that is no `train.KEY`.
    """
    axes = parse_vary(vary, example="train.beta=0.01,0.05")
    for key in axes:
        if not key.startswith("train."):
            raise TrainError(f"--vary cannot vary '{key}' here", hint="it varies training arguments: train.beta, ...")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def arm_name(arm: Arm) -> str:
    """A folder name that tells the arms of a grid apart: beta-0.01_learning_rate-1e-7."""
    parts = (f"{key.removeprefix('train.')}-{value}" for key, value in arm.items())
    return re.sub(r"[^A-Za-z0-9._-]", "-", "_".join(parts))
