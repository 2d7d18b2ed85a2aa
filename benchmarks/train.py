"""The train command against a bare TRL script with the same arguments: speed of the steps, and what start-up adds.

    OMP_NUM_THREADS=1 python -m benchmarks.train [--steps 15] [--rounds 5]

Both sides train the bundled model on the same pairs: one is `pairforge train`, the other builds `DPOConfig` and
`DPOTrainer` and nothing else. Steps per second are taken in one process, in turns, from the first step to the last.
Start-up is taken in fresh processes: from their start until the first step begins, with imports, guards and the
reference pass. About three minutes on one core.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks._machine import machine

BATCH = 4
ARGUMENTS: dict[str, Any] = {
    "beta": 0.1,
    "learning_rate": 3e-6,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.1,
    "max_length": 1024,
    "per_device_train_batch_size": BATCH,
    "precompute_ref_log_probs": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
}


def pairs(count: int) -> list[dict[str, Any]]:
    """Pairs of the bundled problems: the long solution against its last line."""
    from pairforge.demo import demo_path

    rows = [json.loads(line) for line in demo_path("pairforge:demo").read_text(encoding="utf-8").splitlines()]
    return [
        {
            "prompt": [{"role": "user", "content": row["question"]}],
            "chosen": [{"role": "assistant", "content": row["solution"]}],
            "rejected": [{"role": "assistant", "content": row["solution"].split("</think>")[-1].strip()}],
        }
        for row in rows[:count]
    ]


def ours(rows: list[dict[str, Any]], steps: int, out: Path) -> None:
    """`pairforge train`, the command itself."""
    from pairforge.cli import app, train  # noqa: F401  (importing it registers the command)

    file = out.parent / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    block = {**ARGUMENTS, "model": "pairforge:nano", "global_batch_size": BATCH, "max_steps": steps}
    sets = [part for key, value in block.items() for part in ("--set", f"train.{key}={value}")]
    app(["train", str(file), "--out", str(out), *sets], standalone_mode=False)


def bare(rows: list[dict[str, Any]], steps: int, out: Path) -> None:
    """The script that one would write with TRL alone."""
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    from pairforge.demo import demo_path

    model = str(demo_path("pairforge:nano"))
    config = DPOConfig(output_dir=str(out), max_steps=steps, disable_tqdm=True, **ARGUMENTS)
    trainer = DPOTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(model),
    )
    trainer.train()
    trainer.save_model(str(out))


SIDES: dict[str, Callable[[list[dict[str, Any]], int, Path], None]] = {"bare": bare, "pairforge": ours}


def timed(side: str, steps: int) -> tuple[float, float]:
    """Train once; the clock (`time.time`) when the trainer's loop began and when it ended."""
    import transformers

    marks: list[float] = []
    loop = transformers.Trainer.train

    def marked(self: Any, *arguments: Any, **named: Any) -> Any:
        marks.append(time.time())
        result = loop(self, *arguments, **named)
        marks.append(time.time())
        return result

    transformers.Trainer.train = marked
    silence = io.StringIO()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
        ):
            SIDES[side](pairs(max(steps, 2) * BATCH), steps, Path(folder) / "out")
    finally:
        transformers.Trainer.train = loop
    return marks[0], marks[1]


def steps_per_second(side: str, steps: int) -> float:
    began, ended = timed(side, steps)
    return steps / (ended - began)


def start_up_seconds(side: str) -> float:
    """From the start of a process of its own to its first step."""
    started = time.time()
    command = [sys.executable, "-m", "benchmarks.train", "--side", side]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr[-2000:]}")
    return float(done.stdout.strip().splitlines()[-1]) - started


def in_turns(measure: Callable[[str], float], rounds: int) -> dict[str, list[float]]:
    """`rounds` values of each side; who goes first changes, so that both see the same machine."""
    found: dict[str, list[float]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in sorted(SIDES, reverse=number % 2 == 1):
            found[side].append(measure(side))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", choices=sorted(SIDES), help="one step in this process; prints when it began")
    options = parser.parse_args()
    if options.side:
        began, _ = timed(options.side, 1)
        print(began)
        return
    for side in SIDES:
        timed(side, 2)  # what is loaded and compiled once
    speeds = in_turns(lambda side: steps_per_second(side, options.steps), options.rounds)
    starts = in_turns(start_up_seconds, 3)
    print(f"{machine()}, {time.strftime('%B %Y')}, load {os.getloadavg()[0]:.1f}")
    print(f"{options.rounds} rounds in turns, {options.steps} steps of {BATCH} pairs; medians (range)\n")
    print("| | steps/s | start-up s |\n|---|---|---|")
    for side in SIDES:
        print(f"| {side} | {shown(speeds[side])} | {shown(starts[side])} |")
    ratios = [o / b for o, b in zip(speeds["pairforge"], speeds["bare"], strict=True)]
    added = [o - b for o, b in zip(starts["pairforge"], starts["bare"], strict=True)]
    print(f"\nsteps/s, pairforge / bare: {shown(ratios)} (expected >= 0.97)")
    print(f"start-up that pairforge adds: {shown(added)} s")


def shown(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g} - {max(values):.3g})"


if __name__ == "__main__":
    main()
