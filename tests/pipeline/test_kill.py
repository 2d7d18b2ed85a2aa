"""kill -9 at any moment, then the same command: nothing that was stored is lost, doubled, or asked for again."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pairforge import demo
from pairforge.recipe import dump_recipe, load_recipe
from pairforge.run import Run, view_pairs

Make = Callable[..., Any]

SCRIPTED_WINDOW, REAL_WINDOW = 4, 16
# kind of moment -> (kills, the latest it may come in an attempt): early ones, so that the run outlives most kills
KILLS = {"starting": (5, 1), "step": (5, 30), "sample": (4, 6), "verdict": (4, 6), "fsync": (2, 4), "compact": (2, 3)}
LAST_KILLS = {"view": (2, 2)}


STEPS = ("sampling.max_tokens=1", "draws.continue_truncated=3", "budget=full")  # a solution takes three of them


@pytest.mark.parametrize(
    ("draws", "kills", "arms", "settings"),
    [
        ("accepted", 5, 1, ()),
        ("accepted", 5, 2, ()),
        ("accepted", 5, 1, STEPS),
        pytest.param("accepted", 30, 1, (), marks=pytest.mark.full),
        pytest.param("accepted", 30, 2, (), marks=pytest.mark.full),
        pytest.param("accepted", 30, 1, STEPS, marks=pytest.mark.full),
        pytest.param("max", 30, 1, (), marks=pytest.mark.full),
        pytest.param("max", 30, 2, (), marks=pytest.mark.full),
    ],
)
def test_a_run_killed_at_random_moments_ends_as_an_undisturbed_one(
    recipe: Make, two_arms: Make, tmp_path: Path, draws: str, kills: int, arms: int, settings: tuple[str, ...]
):
    file = tmp_path / "recipe.yaml"
    blocks = ("generator",) if arms == 1 else ("generators.short", "generators.long")
    own = [f"{block}.{setting}" for block in blocks for setting in (f"draws.until={draws}", *settings)]
    file.write_text(dump_recipe((recipe if arms == 1 else two_arms)(*own)))
    moments = int(drive(file, tmp_path / "calm" / "run", "scripted")["any"])
    assert moments > 60

    order = random.Random(f"{draws} {kills} {arms}" if arms > 1 else f"{draws} {kills}")
    fatal = [f"any:{k}" for k in sorted(order.choices(range(1, moments), k=kills))]
    drive(file, tmp_path / "killed" / "run", "scripted", *fatal)

    calm, killed = Run(tmp_path / "calm" / "run"), Run(tmp_path / "killed" / "run")
    assert requests(killed).keys() == requests(calm).keys(), "the same draws with the same seeds"
    assert set(requests(calm).values()) == {1}
    for run in (calm, killed):
        assert len(check_whole(run)) == len(requests(calm))
    check_kept(killed, SCRIPTED_WINDOW)
    assert pairs(killed) == pairs(calm) != []
    drops = "views/default/drops.parquet"
    assert pl.read_parquet(killed.path / drops).equals(pl.read_parquet(calm.path / drops))


@pytest.mark.engine
def test_a_real_engine_killed_while_it_samples_leaves_a_run_that_finishes(tmp_path: Path):
    file = real_recipe(tmp_path, problems=12)
    drive(file, tmp_path / "killed" / "run", "real", "sample:5")
    killed = Run(tmp_path / "killed" / "run")
    assert {s.problem_id for s in check_whole(killed)} == {problem.id for problem in killed.each_problem()}
    check_kept(killed, REAL_WINDOW)


@pytest.mark.engine
@pytest.mark.full
@pytest.mark.parametrize("draws", ["accepted", "max"])
def test_a_real_engine_killed_at_random_moments_of_every_stage(tmp_path: Path, draws: str):
    """24 kills: while the engine starts, while it samples and verdicts come in, at compaction and in the view."""
    file = real_recipe(tmp_path, problems=60, overrides=(f"generator.draws.until={draws}", "generator.draws.max=3"))
    start_s = drive(file, tmp_path / "calm" / "run", "real")["start_s"]
    order = random.Random(draws)
    fatal = [f"{kind}:{order.randint(1, latest)}" for kind, (count, latest) in KILLS.items() for _ in range(count)]
    fatal = [f"starting:{order.uniform(0, start_s):.2f}" if "starting" in moment else moment for moment in fatal]
    order.shuffle(fatal)
    fatal += [
        f"{kind}:{order.randint(1, latest)}" for kind, (count, latest) in LAST_KILLS.items() for _ in range(count)
    ]
    drive(file, tmp_path / "killed" / "run", "real", *fatal)

    calm, killed = Run(tmp_path / "calm" / "run"), Run(tmp_path / "killed" / "run")
    notes = check_kept(killed, REAL_WINDOW)
    assert len(notes) >= 20, "so many attempts died"
    decided = [{s.problem_id for s in check_whole(run)} for run in (calm, killed)]
    assert decided[0] == decided[1] == {problem.id for problem in calm.each_problem()}
    if draws == "max":
        assert requests(killed).keys() == requests(calm).keys(), "fixed draws: the same draws with the same seeds"
    for run in (calm, killed):
        covered = {pair["problem_id"] for pair in view_pairs(run, "default")}
        dropped = set(pl.read_parquet(run.path / "views/default/drops.parquet")["subject"])
        assert covered
        assert covered.isdisjoint(dropped)
        assert covered | dropped >= decided[0], "every problem ends in a pair or a drop"


def real_recipe(folder: Path, problems: int, overrides: tuple[str, ...] = ()) -> Path:
    """The demo, smaller."""
    small = (f"sources.0.limit={problems}", f"generator.engine.max_num_seqs={REAL_WINDOW}", "verifier.workers=1")
    file = folder / "recipe.yaml"
    file.write_text(dump_recipe(load_recipe(demo.recipe_path(), [*small, *overrides])))
    return file


def drive(recipe: Path, run: Path, engine: str, *moments: str) -> dict[str, float]:
    """Build the run through these kills; what its last, undisturbed attempt counted."""
    run.parent.mkdir()
    command = [sys.executable, "-m", "tests.pipeline.kill_driver", str(recipe), str(run), engine, *moments]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000, env=quiet)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_killed_run_has_enough_too(recipe: Make, tmp_path: Path):
    """Which problems they are may differ: they are those whose samples were there first."""
    file = tmp_path / "recipe.yaml"
    file.write_text(dump_recipe(recipe("generator.draws.enough=7")))
    order = random.Random(7)
    drive(
        file, tmp_path / "killed" / "run", "scripted", *(f"any:{k}" for k in sorted(order.choices(range(1, 40), k=5)))
    )
    run = Run(tmp_path / "killed" / "run")
    check_whole(run)
    check_kept(run, SCRIPTED_WINDOW)
    left = [drop["reason"] for drop in pl.read_parquet(run.path / "views/default/drops.parquet").to_dicts()]
    assert 7 <= len(pairs(run)) <= 7 + SCRIPTED_WINDOW
    assert len(left) == 12 - len(pairs(run))


def check_whole(run: Run) -> list[Any]:
    """A finished run: no key twice, one verdict per sample and no orphan, logs compacted. Returns what was sampled."""
    sampled = list(run.sampled())
    keys = [s.key for s in sampled]
    assert len(keys) == len(set(keys))
    judged = {s.key for s in run.each_sample() if s.finish_reason != "error"}
    assert Counter(v.sample_key for v in run.each_verdict()) == Counter(judged), "one verdict per sample, no orphan"
    assert not list(run.path.rglob("*.jsonl")), "the logs are compacted"
    return sampled


def check_kept(run: Run, window: int) -> list[dict[str, str]]:
    """What was stored at each death is in the run, unchanged; a kill costs at most the requests in flight."""
    notes = [json.loads(line) for line in (run.path.parent / "stored").read_text().splitlines()]
    final = {s.key: s.text for s in run.sampled()}
    for note in notes:
        assert note.items() <= final.items()
    asked_twice = sum(requests(run).values()) - len(requests(run))
    assert asked_twice <= len(notes) * window
    return notes


def requests(run: Run) -> Counter[str]:
    return Counter((run.path.parent / "requests").read_text().splitlines())


def pairs(run: Run) -> list[dict[str, Any]]:
    return sorted(view_pairs(run, "default"), key=lambda pair: pair["id"])
