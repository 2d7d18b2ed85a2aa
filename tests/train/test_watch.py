"""The watch on a run: a CSV that survives a resume, a stop at NaN, warnings for DPO's known failures."""

import csv
from pathlib import Path

import pytest

from pairforge.errors import TrainError
from pairforge.train.watch import Watch, duration, failures, last_good


def log(chosen: float, margin: float, loss: float = 0.5) -> dict[str, float]:
    return {
        "loss": loss,
        "rewards/chosen": chosen,
        "rewards/margins": margin,
        "logps/chosen": -300.0,
        "logps/rejected": -100.0,
    }


def rows(chosen: list[float], margins: list[float] | None = None) -> list[dict[str, float]]:
    return [
        {"step": i + 1, **log(c, m)}
        for i, (c, m) in enumerate(zip(chosen, margins or [0.1] * len(chosen), strict=True))
    ]


def test_a_steady_fall_of_the_chosen_log_probability_is_a_warning():
    falling = rows([-0.01 * i for i in range(30)])  # in rewards: beta times nats
    assert any("chosen log-probability falls" in w for w in failures(falling, beta=0.01))


def test_a_rise_a_wobble_and_a_short_run_are_none():
    assert failures(rows([0.01 * i for i in range(30)]), beta=0.01) == []
    assert failures(rows([(-1) ** i * 0.2 for i in range(30)]), beta=0.01) == []
    assert failures(rows([-0.01 * i for i in range(8)]), beta=0.01) == []


def test_lengths_of_batches_do_not_look_like_a_fall():
    steady = rows([0.0] * 30)
    for i, row in enumerate(steady):
        row["logps/chosen"] = -100.0 - 20 * i  # later batches are longer, the model is the same
    assert failures(steady, beta=0.01) == []


def test_exploding_margins_are_a_warning():
    assert any("margins explode" in w for w in failures(rows([0.0] * 30, [float(i) for i in range(30)]), beta=0.1))


def test_a_nan_stops_and_names_the_last_good_checkpoint(tmp_path: Path):
    for step, complete in ((10, True), (20, False)):
        folder = tmp_path / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        if complete:
            (folder / "trainer_state.json").write_text("{}")
    watch = Watch(tmp_path / "log.csv", tmp_path / "checkpoints", print, beta=0.01)
    watch.log(1, 50, log(0.0, 0.0))
    with pytest.raises(TrainError) as error:
        watch.log(2, 50, log(0.0, 0.0, loss=float("nan")))
    assert "step 2" in str(error.value)
    assert "checkpoint-10" in str(error.value)
    with (tmp_path / "log.csv").open() as file:
        assert [row["loss"] for row in csv.DictReader(file)] == ["0.5", "nan"]


def test_a_resumed_csv_holds_each_step_once(tmp_path: Path):
    first = Watch(tmp_path / "log.csv", tmp_path, print, beta=0.01)
    first.begin([])
    for step in range(1, 6):
        first.log(step, 10, log(0.0, 0.0))
    resumed = Watch(tmp_path / "log.csv", tmp_path, print, beta=0.01)
    resumed.begin([{"step": step, **log(0.0, 0.0)} for step in range(1, 4)])  # the checkpoint was at step 3
    for step in range(4, 8):
        resumed.log(step, 10, log(0.0, 0.0))
    with (tmp_path / "log.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [1, 2, 3, 4, 5, 6, 7]


def test_the_newest_complete_checkpoint_counts_by_number(tmp_path: Path):
    assert last_good(tmp_path) is None
    for step in (9, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    assert last_good(tmp_path) == tmp_path / "checkpoint-100"


def test_the_time_is_told_after_the_first_steps_and_on_every_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("pairforge.train.watch.time.monotonic", lambda: now[0])
    monkeypatch.setattr("pairforge.train.watch.LINE_EVERY_S", 0.0)
    said: list[str] = []
    watch = Watch(tmp_path / "log.csv", tmp_path, said.append, beta=None)
    watch.started()
    for step, seconds in enumerate((60, 10, 10, 10), start=1):  # the first step warms up
        now[0] += seconds
        watch.log(step, 100, log(0.0, 0.0))
        watch.stepped(step, 100)
    assert "about 16 min for the 97 steps left (10 s each, measured on the first 3)" in said
    assert said[-1].startswith("step 4/100") and said[-1].endswith("16 min left")


def test_a_short_training_is_not_announced_when_it_is_over(tmp_path: Path):
    said: list[str] = []
    watch = Watch(tmp_path / "log.csv", tmp_path, said.append, beta=None)
    watch.started()
    for step in (1, 2):
        watch.stepped(step, 2)
    assert said == []
    assert [duration(s) for s in (5, 89.6, 100, 7200)] == ["5 s", "90 s", "2 min", "2.0 h"]
