"""The train command against a bare TRL script with the same arguments: speed of the steps, and what start-up adds.

    python -m benchmarks.train [--steps 30] [--rounds 3]

Both sides run in fresh processes, in turns, on the same pairs with the bundled model: one is `pairforge train`, the
other builds `DPOConfig`, `DPOTrainer` and nothing else. Steps per second come from the trainer's own clock, start-up
from the time until the first step begins.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._machine import machine

BATCH = 8
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
    """`pairforge train` as a library call, which is what the command makes."""
    from pairforge.train import TrainData, resolve, train

    block = {**ARGUMENTS, "model": "pairforge:nano", "global_batch_size": BATCH, "max_steps": steps}
    train(TrainData(rows, "bench", "1"), resolve(block), out, say=lambda text: None)


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


def one(side: str, steps: int) -> None:
    """One run in this process; prints its figures as JSON."""
    started = time.monotonic()
    import transformers

    marks: dict[str, float] = {}
    begin = transformers.Trainer.train

    def timed(self: Any, *arguments: Any, **named: Any) -> Any:
        marks["begin"] = time.monotonic()
        result = begin(self, *arguments, **named)
        marks["end"] = time.monotonic()
        return result

    transformers.Trainer.train = timed
    with tempfile.TemporaryDirectory() as folder:
        (ours if side == "pairforge" else bare)(pairs(steps * BATCH), steps, Path(folder) / "out")
    figures = {"start_up_s": marks["begin"] - started, "steps_per_s": steps / (marks["end"] - marks["begin"])}
    print(json.dumps({**figures, "whole_s": time.monotonic() - started}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=("pairforge", "bare"), help="one run in this process")
    options = parser.parse_args()
    if options.side:
        one(options.side, options.steps)
        return
    found: dict[str, list[dict[str, float]]] = {"bare": [], "pairforge": []}
    for _ in range(options.rounds):
        for side in found:  # in turns, so that both see the same machine
            found[side].append(run(side, options.steps))
    print(f"{machine()}, {time.strftime('%B %Y')}, load {os.getloadavg()[0]:.1f}")
    print(f"{options.rounds} rounds in turns, {options.steps} steps of {BATCH} pairs\n")
    print("| | steps/s, median (range) | start-up s | whole s |\n|---|---|---|---|")
    for side, runs in found.items():
        cells = [shown([r[name] for r in runs]) for name in ("steps_per_s", "start_up_s", "whole_s")]
        print(f"| {side} | {' | '.join(cells)} |")
    ratios = [o["steps_per_s"] / b["steps_per_s"] for o, b in zip(found["pairforge"], found["bare"], strict=True)]
    overheads = [o["start_up_s"] - b["start_up_s"] for o, b in zip(found["pairforge"], found["bare"], strict=True)]
    print(f"\nsteps/s, pairforge / bare: {shown(ratios)} (expected >= 0.97)")
    print(f"start-up that pairforge adds: {shown(overheads)} s")


def run(side: str, steps: int) -> dict[str, float]:
    """One run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.train", "--side", side, "--steps", str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def shown(values: list[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g}-{max(values):.3g})"


if __name__ == "__main__":
    main()
