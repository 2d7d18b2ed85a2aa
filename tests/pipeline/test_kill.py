"""kill -9 at any moment, then the same command: nothing that was stored is lost, doubled, or asked for again."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pairforge.recipe import dump_recipe
from pairforge.run import Run, view_pairs

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("draws", "kills"),
    [
        ("accepted", 5),
        pytest.param("accepted", 30, marks=pytest.mark.full),
        pytest.param("max", 30, marks=pytest.mark.full),
    ],
)
def test_a_run_killed_at_random_moments_ends_as_an_undisturbed_one(
    recipe: Make, tmp_path: Path, draws: str, kills: int
):
    file = tmp_path / "recipe.yaml"
    file.write_text(dump_recipe(recipe(f"generator.draws.until={draws}")))
    moments = drive(file, tmp_path / "calm" / "run")[-1]
    assert moments > 60

    order = random.Random(f"{draws} {kills}")
    drive(file, tmp_path / "killed" / "run", *sorted(order.choices(range(1, moments), k=kills)))

    calm, killed = Run(tmp_path / "calm" / "run"), Run(tmp_path / "killed" / "run")
    assert requests(killed).keys() == requests(calm).keys(), "the same draws with the same seeds"
    assert set(requests(calm).values()) == {1}
    asked_twice = sum(requests(killed).values()) - len(requests(killed))
    assert asked_twice <= kills, "a kill costs at most what was in flight (here: one finished request per step)"
    for run in (calm, killed):
        keys = [s.key for s in run.sampled()]
        assert len(keys) == len(set(keys)) == len(requests(calm))
        stored = {s.key for s in run.samples()}
        assert Counter(v.sample_key for v in run.verdicts()) == Counter(stored), "one verdict per sample, no orphan"
        assert not list(run.path.rglob("*.jsonl")), "the logs are compacted"
    assert pairs(killed) == pairs(calm) != []
    drops = "views/default/drops.parquet"
    assert pl.read_parquet(killed.path / drops).equals(pl.read_parquet(calm.path / drops))


def drive(recipe: Path, run: Path, *moments: int) -> list[int]:
    run.parent.mkdir()
    command = [sys.executable, "-m", "tests.pipeline.kill_driver", str(recipe), str(run), *map(str, moments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def requests(run: Run) -> Counter[str]:
    return Counter((run.path.parent / "requests").read_text().splitlines())


def pairs(run: Run) -> list[dict[str, Any]]:
    return sorted(view_pairs(run, "default"), key=lambda pair: pair["id"])
