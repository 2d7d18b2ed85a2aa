"""The eye on a training run: a CSV line per log, a stop at NaN, and warnings for DPO's known ways to fail."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pairforge.errors import TrainError

if TYPE_CHECKING:
    from transformers import TrainerCallback

Say = Callable[[str], None]
LINE_EVERY_S = 5.0
MEASURED_STEPS = 3  # before the time of the whole training is told
FEWEST_LOGS = 12  # below that, a trend is noise
MARGIN_LIMIT = 10.0  # sigmoid(-10): the pair's gradient is below 5e-5 of a new pair's


class Watch:
    """Takes each log of the trainer. `warnings` collects what went wrong without stopping the run.

    `checkpoints` is the folder whose newest checkpoint an error names. `beta` is the loss's, None where the method
    has no reference.
    """

    def __init__(self, csv_file: Path, checkpoints: Path, say: Say, *, beta: float | None) -> None:
        self.rows: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self._file, self._checkpoints, self._say, self._beta = csv_file, checkpoints, say, beta
        self._said_at = 0.0
        self._clock: list[float] = []  # when the training began, then when each step of this process ended

    def begin(self, history: list[dict[str, Any]]) -> None:
        """Start the CSV with what a resumed run had logged up to its checkpoint."""
        self.rows = [row for row in history if "loss" in row]
        self._file.unlink(missing_ok=True)
        for row in self.rows:
            self._append(row)

    def started(self) -> None:
        """Start the clock: the first step begins."""
        self._clock = [time.monotonic()]

    def stepped(self, step: int, steps: int) -> None:
        """Note the end of a step; after the first few, say how long all of them will take."""
        self._clock.append(time.monotonic())
        left = steps - step
        if len(self._clock) - 1 == min(MEASURED_STEPS, steps) and left > 0:
            each = self._seconds_per_step()
            text = f"about {duration(each * left)} for the {left:,} steps left ({each:.2g} s each"
            self._say(f"{text}, measured on the first {len(self._clock) - 1})")

    def _seconds_per_step(self) -> float:
        """The mean time of the steps so far, 0 before the first; that one, which warms up, counts only alone."""
        if len(self._clock) < 2:
            return 0.0
        first = 1 if len(self._clock) > 2 else 0
        return (self._clock[-1] - self._clock[first]) / (len(self._clock) - 1 - first)

    def log(self, step: int, steps: int, logs: Mapping[str, Any]) -> None:
        """Take one log.

        Raises `TrainError`, naming the last good checkpoint, when the loss or a gradient is not a number.
        """
        if "loss" not in logs:
            return  # the summary at the end
        row = {"step": step, **logs}
        self.rows.append(row)
        self._append(row)
        for name in ("loss", "grad_norm"):
            if name in row and not math.isfinite(float(row[name])):
                raise TrainError(
                    f"{name} is {row[name]} at step {step}: {last_good_text(self._checkpoints)}",
                    hint="lower train.learning_rate, or look at the rows of this step; the same command resumes",
                )
        for warning in failures(self.rows, self._beta):
            if not any(old.split(":")[0] == warning.split(":")[0] for old in self.warnings):
                self.warnings.append(warning)
                self._say(f"warning: {warning}")
        if step == steps or time.monotonic() - self._said_at > LINE_EVERY_S:
            self._said_at = time.monotonic()
            each = self._seconds_per_step()
            left = f"  {duration(each * (steps - step))} left" if each and step < steps else ""
            self._say(line(row, steps) + left)

    def _append(self, row: Mapping[str, Any]) -> None:
        fresh = not self._file.exists()
        columns = ["step", *(name for name in self.rows[0] if name != "step")]
        with self._file.open("a", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", restval="")
            if fresh:
                writer.writeheader()
            writer.writerow(dict(row))


def duration(seconds: float) -> str:
    """A time to wait, in the unit that fits."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def line(row: Mapping[str, Any], steps: int) -> str:
    """One log as a line for the console."""
    shown = {"loss": "loss", "rewards/margins": "margin", "logps/chosen": "chosen", "logps/rejected": "rejected"}
    values = [f"{label} {float(row[name]):.4g}" for name, label in shown.items() if name in row]
    return f"step {row['step']}/{steps}  " + "  ".join(values)


def failures(rows: list[dict[str, Any]], beta: float | None) -> list[str]:
    """DPO's known ways to fail, seen in the logs so far.

    The chosen log-probability is judged against the reference's (`rewards/chosen` / beta): the raw one changes with
    the lengths of each batch. It falls steadily when each third of the run lies below the one before and the last
    lies below the reference by over 1 % of the sequence's log-probability.
    """
    if beta is None or len(rows) < FEWEST_LOGS or "rewards/chosen" not in rows[-1]:
        return []
    found = []
    thirds = _thirds([float(r["rewards/chosen"]) / beta for r in rows])
    level = abs(sum(float(r["logps/chosen"]) for r in rows) / len(rows))
    if thirds[0] > thirds[1] > thirds[2] and thirds[2] < -max(1.0, 0.01 * level):
        found.append(
            f"the chosen log-probability falls: {thirds[2]:+.1f} nats against the reference, and on. The model is "
            "pushed away from both sides; lower train.learning_rate, raise train.beta, or add the SFT term "
            "(train.loss=sigmoid+sft)"
        )
    margin = _thirds([float(r["rewards/margins"]) for r in rows])[2]
    if margin > MARGIN_LIMIT:
        found.append(
            f"margins explode: {margin:.1f} on average, where the loss is flat. The pairs are told apart by something "
            "easy (their form?) or the steps are too large; lower train.learning_rate or look at the pairs"
        )
    return found


def _thirds(values: list[float]) -> tuple[float, float, float]:
    n = len(values) // 3
    parts = values[:n], values[n : 2 * n], values[2 * n :]
    first, second, third = (sum(p) / len(p) for p in parts)
    return first, second, third


def last_good(checkpoints: Path) -> Path | None:
    """The newest complete checkpoint: the trainer writes its state last, so one without it is torn."""
    found = [p for p in checkpoints.glob("checkpoint-*") if (p / "trainer_state.json").exists()]
    return max(found, key=lambda p: int(p.name.rsplit("-", 1)[1]), default=None)


def last_good_text(checkpoints: Path) -> str:
    """The last good checkpoint as the end of an error's sentence."""
    found = last_good(checkpoints)
    return f"the last good checkpoint is {found}" if found else "no checkpoint was written yet"


def as_callback(watch: Watch, stopped: Callable[[], bool]) -> TrainerCallback:
    """The watch as the trainer takes it. When `stopped()` turns true, the trainer saves a checkpoint and ends."""
    from transformers import TrainerCallback

    class Callback(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero:
                watch.begin(list(state.log_history))
                watch.started()

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if state.is_world_process_zero:
                watch.log(state.global_step, state.max_steps, logs or {})

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero:
                watch.stepped(state.global_step, state.max_steps)
            if stopped():
                control.should_save = control.should_training_stop = True

    return Callback()
