"""One line that says what the figures were measured on."""

from __future__ import annotations

import os
from pathlib import Path


def machine() -> str:
    """Cores this process may use, memory, and whether there is a GPU."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = "GPU" if Path("/proc/driver/nvidia").exists() else "no GPU"
    return f"{cores} cores, {memory:.0f} GiB, {gpu}"
