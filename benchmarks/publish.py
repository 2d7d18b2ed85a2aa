"""How fast, and in how much memory, a large view is published: shards, upload, commit, reading back.

    python -m benchmarks.publish                  # 100,000 generated pairs of about 5 KB (some minutes)
    python -m benchmarks.publish --rows 10000

The server is the tests' stand-in on the loopback interface, in a process of its own: what is measured is our side
and the client's, without a network. Texts are random words, so that they compress about as prose does. The last line
extrapolates the time to 1,000,000 rows. Texts are streamed; the numbers of all pairs are held, so memory grows too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks._machine import machine
from pairforge.files import write_rows, write_text
from pairforge.records import Drop, Pair, Problem, problem_id, to_row
from pairforge.run import Run

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "in", "or", "u") for c in ("", "l", "ne", "s", "t")]
MAX_RSS_GIB = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to put the generated data (default: a temporary folder)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pairforge-publish-", dir=options.folder))
    try:
        measure(options.rows, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(rows: int, folder: Path) -> None:
    """Generate a run, publish it, and print what each stage took."""
    run = generated_run(folder / "run", rows)
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(folder / "hub", theirs), daemon=True)
    server.start()
    url, token = ours.recv()
    os.environ |= {"HF_ENDPOINT": url, "HF_TOKEN": token, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1"}
    from pairforge.hub import Target, push, stage

    warm_up = stage(generated_run(folder / "small", 100), {"default": "default"}, "ana/small")
    push(warm_up, Target("ana/small"))  # imports, fonts and the first connection are no cost per row
    seconds: dict[str, tuple[float, float]] = {}
    base_gib = rss_gib()
    with timed(seconds, "shards"):
        contents = stage(run, {"default": "default"}, "ana/large")
    size = sum(file.stat().st_size for file in contents.files.values())
    with timed(seconds, "upload and commit"):
        push(contents, Target("ana/large", read_back=False))
    with timed(seconds, "compare and read back"):
        done = push(contents, Target("ana/large"))
    assert not done.changed and done.rows_checked == rows
    ours.send("stop")
    server.join(10)
    print(f"{machine()}, {date.today():%B %Y}; one run")
    print(f"{rows:,} rows, {size / 1e6:,.0f} MB as zstd parquet, in {len(contents.files)} files")
    for name, (took, cpu) in seconds.items():
        print(f"  {name:<22} {took:8.1f} s  {rows / took:10,.0f} rows/s  (CPU {cpu:.1f} s)")
    print(f"  memory (peak RSS)      {rss_gib():8.2f} GiB ({base_gib:.2f} before the first row; limit {MAX_RSS_GIB})")
    wall, cpu = (sum(times) * 1_000_000 / rows / 60 for times in zip(*seconds.values(), strict=True))
    print(f"extrapolated to 1,000,000 rows, without the network's time: {wall:,.0f} min ({cpu:,.0f} min of CPU)")


@contextlib.contextmanager
def timed(seconds: dict[str, tuple[float, float]], name: str) -> Iterator[None]:
    """Note a stage's wall and CPU seconds."""
    wall, cpu = time.monotonic(), time.process_time()
    yield
    seconds[name] = (time.monotonic() - wall, time.process_time() - cpu)


def rss_gib() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


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
