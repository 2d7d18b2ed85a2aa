"""How fast, and in how much memory, a large view is published: shards, upload, commit, reading back.

    python -m benchmarks.publish                  # 50,000 and 100,000 generated pairs of about 5 KB (some minutes)
    python -m benchmarks.publish --rows 300000    # 150,000 and 300,000

The server is the tests' stand-in on the loopback interface, in a process of its own: what is measured is our side
and the client's, without a network. Texts are random words, so that they compress about as prose does. Each size runs
in a fresh process. The last lines extrapolate to 1,000,000 rows: the time from the larger size, the memory along the
line through both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks._machine import machine
from pairforge.records import Drop, Pair, Problem, problem_id, to_row
from pairforge.run import Run
from pairforge.run.atomic import write_rows, write_text

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "in", "or", "u") for c in ("", "l", "ne", "s", "t")]
LIMIT_GIB = 2.0
MILLION = 1_000_000


@dataclass
class Stage:
    """What one stage took; memory is the peak of resident memory while it ran."""

    wall_s: float
    cpu_s: float
    peak_gib: float


@dataclass
class Measured:
    """One size: its stages, the memory before the first row, and what was published."""

    rows: int
    base_gib: float = 0.0
    bytes: int = 0
    files: int = 0
    stages: dict[str, Stage] = field(default_factory=dict)

    @property
    def peak_gib(self) -> float:
        return max(stage.peak_gib for stage in self.stages.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to put the generated data (default: a temporary folder)")
    options = parser.parse_args()
    print(f"{machine()}, {date.today():%B %Y}; one run")
    small, large = (in_fresh_process(rows, options.folder) for rows in (options.rows // 2, options.rows))
    seconds = [sum(getattr(s, name) for s in large.stages.values()) for name in ("wall_s", "cpu_s")]
    minutes, cpu_minutes = (total * MILLION / large.rows / 60 for total in seconds)
    per_row = max(0.0, (large.peak_gib - small.peak_gib) / (large.rows - small.rows))
    memory = large.peak_gib + per_row * (MILLION - large.rows)
    print("extrapolated to 1,000,000 rows, without the network's time:")
    print(f"  {minutes:,.0f} min ({cpu_minutes:,.0f} min of CPU); memory {memory:.2f} GiB (limit {LIMIT_GIB:g})")


def in_fresh_process(rows: int, folder: Path | None) -> Measured:
    """Measure one size where no earlier one has left its memory, and print it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=measure_into, args=(rows, folder, theirs))
    process.start()
    theirs.close()
    found: Measured = ours.recv()
    process.join()
    print(f"{rows:,} rows, {found.bytes / 1e6:,.0f} MB as zstd parquet, in {found.files} files")
    for name, stage in found.stages.items():
        speed = f"{stage.wall_s:8.1f} s  {rows / stage.wall_s:10,.0f} rows/s  (CPU {stage.cpu_s:.1f} s)"
        print(f"  {name:<22} {speed}  peak {stage.peak_gib:.2f} GiB")
    print(f"  before the first row   {found.base_gib:8.2f} GiB", flush=True)
    return found


def measure_into(rows: int, folder: Path | None, pipe: Connection) -> None:
    """Generate a run, publish it to a server of our own, and send what each stage took."""
    place = Path(tempfile.mkdtemp(prefix="pairforge-publish-", dir=folder))
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(place / "hub", theirs), daemon=True)
    server.start()
    try:
        url, token = ours.recv()
        os.environ |= {"HF_ENDPOINT": url, "HF_TOKEN": token, "HF_HOME": str(place / "hf"), "HF_HUB_DISABLE_XET": "1"}
        pipe.send(measure(rows, place))
    finally:
        ours.send("stop")
        server.join(10)
        shutil.rmtree(place, ignore_errors=True)


def measure(rows: int, place: Path) -> Measured:
    """Publish a generated run to the Hub that the environment names."""
    from pairforge.hub.contents import stage
    from pairforge.hub.push import push
    from pairforge.hub.repository import Target

    run = generated_run(place / "run", rows)
    warm_up = stage(generated_run(place / "small", 100), {"default": "default"}, "ana/small")
    push(warm_up, Target("ana/small"))  # imports, fonts and the first connection are no cost per row
    found = Measured(rows, base_gib=peak_gib())
    with timed(found, "shards"):
        contents = stage(run, {"default": "default"}, "ana/large")
    with timed(found, "upload and commit"):
        push(contents, Target("ana/large", read_back=False))
    with timed(found, "compare and read back"):
        done = push(contents, Target("ana/large"))
    assert not done.changed and done.rows_checked == rows
    found.files = len(contents.files)
    found.bytes = sum(file.stat().st_size for file in contents.files.values())
    return found


@contextlib.contextmanager
def timed(found: Measured, name: str) -> Iterator[None]:
    """Note a stage's wall and CPU seconds, and the most memory it held."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak of resident memory starts again from here
    wall, cpu = time.monotonic(), time.process_time()
    yield
    found.stages[name] = Stage(time.monotonic() - wall, time.process_time() - cpu, peak_gib())


def peak_gib() -> float:
    """The most memory this process has held since the peak was last reset."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def serve(folder: Path, pipe: Connection) -> None:
    """The stand-in Hub, until it is told to stop."""
    from tests.hub.server import ANA, StandInHub

    with StandInHub(folder) as hub:
        pipe.send((hub.url, ANA))
        pipe.recv()


def generated_run(path: Path, rows: int) -> Run:
    """A run whose view holds `rows` pairs of about 5 KB: chosen 700 words, rejected 200."""
    run = Run(path)
    run.write_recipe(json.dumps({"sources": [], "seed": 0, "filter": {}, "format": {}}))
    source = "generated.jsonl"
    run.write_sources(
        (Problem(problem_id(f"question {i}"), f"question {i}", str(i), source) for i in range(rows)),
        [Drop("x", "source", "no_answer")],
    )
    run.update_manifest(sources=[])
    with run.new_view("default") as view:
        write_rows(view / "pairs.parquet", generated_pairs(rows, source), Pair)
        write_rows(view / "drops.parquet", [to_row(Drop("x", "source", "no_answer"))], Drop)
        record = {"view": "default", "seed": 0, "filter": {"tokenizer": "none"}, "format": {}, "funnel": [
            {"step": "candidates", "candidates": rows, "problems": rows}]}  # fmt: skip
        write_text(view / "view.json", json.dumps(record))
    return run


def generated_pairs(rows: int, source: str) -> Iterator[dict[str, Any]]:
    rng = random.Random(0)
    for i in range(rows):
        key = problem_id(f"question {i}")
        chosen, rejected = " ".join(rng.choices(WORDS, k=700)), " ".join(rng.choices(WORDS, k=200))
        pair = Pair(
            id=f"{i:016x}", problem_id=key, prompt=[{"role": "user", "content": f"question {i}"}],
            chosen=[{"role": "assistant", "content": chosen}], rejected=[{"role": "assistant", "content": rejected}],
            question=f"question {i}", answer=str(i), source=source, gold="dataset", chosen_key=f"{key}/given/0/0",
            rejected_key=f"{key}/sampled/0/1024", chosen_status="correct", rejected_status="correct",
            chosen_answer=str(i), rejected_answer=str(i), chosen_model="a", rejected_model="b", prompt_tokens=10,
            chosen_tokens=700 + i % 50, rejected_tokens=200, gap_tokens=500 + i % 50, ratio=3.5, draws=1,
            pick="shortest",
        )  # fmt: skip
        yield to_row(pair)


if __name__ == "__main__":
    main()
