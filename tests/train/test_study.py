"""The small-scale study, at a scale that shows nothing but that its steps fit together and resume."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def study(out: Path) -> str:
    command = [sys.executable, str(ROOT / "recipes" / "nano" / "study.py"), "--out", str(out), "--tiny", "--seeds", "2"]
    command += ["--jobs", "2", "--only", "thinkpo", "--only", "more-sft", "--only", "gap-small"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.full
@pytest.mark.engine
def test_the_study_runs_end_to_end_and_resumes(tmp_path: Path):
    study(tmp_path)
    table = (tmp_path / "README.md").read_text()
    for arm in ("reasoner (2 seeds)", "thinkpo (2 seeds)", "more-sft (2 seeds)", "gap-small (1 seed)"):
        assert arm in table
    assert "<svg" in (tmp_path / "figure.svg").read_text()
    models = sorted((tmp_path / "seed-0").glob("*/model.safetensors"))
    before = [model.stat().st_mtime_ns for model in models]
    assert len(models) == 3
    study(tmp_path)
    assert [model.stat().st_mtime_ns for model in models] == before
    assert (tmp_path / "README.md").read_text() == table
