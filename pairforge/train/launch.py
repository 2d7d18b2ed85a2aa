"""One device in this process; several through `accelerate launch`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from pairforge.errors import require


def launched() -> int:
    """How many processes a launcher started for this run (1 without a launcher)."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this process is the one that talks and writes."""
    return os.environ.get("RANK", "0") == "0"


def has_gpu() -> bool:
    """Whether a CUDA device is there. Raises `MissingExtraError` without torch."""
    torch = require("torch", extra="train", purpose="training")

    return bool(torch.cuda.is_available())


def free_gpu() -> None:
    """Give back the GPU memory of trainers that are done."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def use_one_device() -> int:
    """Without a launcher, keep to one GPU: transformers would split batches over all of them (DataParallel).

    Returns how many GPUs there are. Must run before CUDA is used.
    """
    import torch

    devices = torch.cuda.device_count()
    if devices > 1 and launched() == 1:
        first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        os.environ["CUDA_VISIBLE_DEVICES"] = first
    return devices


def command(arguments: Sequence[str], *, processes: int, config: Path | None = None) -> str:
    """The command that trains with the same arguments on several devices.

    `arguments` are those of `pairforge`, `config` an accelerate config (FSDP, DeepSpeed); without one each device
    holds the whole model.
    """
    how = ["--config_file", str(config)] if config else ["--multi_gpu", "--mixed_precision", "bf16"]
    return shlex.join(["accelerate", "launch", *how, "--num_processes", str(processes), "-m", "pairforge", *arguments])
