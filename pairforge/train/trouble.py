"""What goes wrong beside the training itself: libraries that raise or chatter, full disks, memory that runs out."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from pairforge.errors import PairforgeError, TrainError
from pairforge.train.guards import GIB
from pairforge.train.watch import last_good_text


@contextlib.contextmanager
def explained(out: Path, checkpoints: Path) -> Iterator[None]:
    """Turn what libraries raise into errors that say what to do and which checkpoint is the last good one."""
    try:
        yield
    except (PairforgeError, KeyboardInterrupt):
        raise
    except ImportError as error:
        raise TrainError(
            f"an optional package is missing: {error}", hint="install it, or train.report_to=none"
        ) from error
    except Exception as error:
        kept = last_good_text(checkpoints)
        if disk_is_full(error):
            shutil.rmtree(out / ".saving", ignore_errors=True)
            free = shutil.disk_usage(out).free / GIB
            hint = "make room, then give the same command: it resumes there"
            raise TrainError(f"the disk is full ({free:.2f} GiB free at {out}); {kept}", hint=hint) from error
        if type(error).__name__ == "OutOfMemoryError":
            hint = "lower train.per_device_train_batch_size, set train.gradient_checkpointing=true or train.lora=true"
            raise TrainError(f"the device has no memory left; {kept}", hint=hint) from error
        raise TrainError(f"{type(error).__name__}: {error}; {kept}", hint="see the cause above") from error


def disk_is_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is a full disk (safetensors only says so in words)."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "No space left" in str(error) or "file write failed" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def plain_output() -> Iterator[None]:
    """Keep the libraries' progress bars to terminals: in a log file each step of a bar is a line."""
    import datasets
    import transformers

    if sys.stderr.isatty():
        yield
        return
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"  # what TRL asks before it draws
    datasets.disable_progress_bars()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        os.environ.pop("TQDM_DISABLE") if before is None else None
        datasets.enable_progress_bars()
        transformers.logging.enable_progress_bar()
