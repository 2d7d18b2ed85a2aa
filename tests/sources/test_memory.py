"""A big source is read in bounded memory: what passes through is not kept."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.sources import write_big_source

ROOT = Path(__file__).parents[2]


def peak_mib(folder: Path) -> int:
    code = f"from benchmarks.sources import read_all; read_all({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return int(done.stdout.strip().rpartition(",")[2])


@pytest.mark.full
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path):
    """10,000 more rows of 30 KB are 300 MB more of text; of them only ids and questions may stay."""
    for rows in (5_000, 15_000):
        write_big_source(tmp_path / str(rows), rows, 30_000)
    small, large = peak_mib(tmp_path / "5000"), peak_mib(tmp_path / "15000")
    assert large - small < 150
    assert large < 1500
