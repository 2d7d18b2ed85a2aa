"""Accepted pairs per minute: distilabel's OpenAILLM in a real Pipeline against our server engine, on one vLLM server.

    python -m benchmarks.rival --distilabel-python VENV/bin/python

The interpreter is that of an environment with `distilabel[openai]==1.5.3`. Both ask the same local
`vllm.entrypoints.openai.api_server` (nano model) about the demo's problems with the same sampling; what comes back
meets the same verifier and the demo's rule. distilabel is timed over `Pipeline.run` alone, and once more less what a
pipeline of one problem takes (its processes' start); judging its output is not on its clock, while ours judges as it
samples. Runs alternate; medians and ranges.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks._machine import machine
from benchmarks._nano import spread
from pairforge import demo
from pairforge.pipeline import Session, prepare, sample, verify
from pairforge.pipeline.outlook import pilot_results
from pairforge.pipeline.sampling_plan import begin
from pairforge.recipe import Recipe, load_recipe
from pairforge.records import Sample, to_row

FIXED = ("generator.budget=full", "generator.draws.until=max")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of one arm."""

    accepted: int
    draws: int
    seconds: float

    @property
    def per_minute(self) -> float:
        return 60 * self.accepted / self.seconds


@contextlib.contextmanager
def vllm_server() -> Iterator[str]:
    """A local vLLM server with the nano model, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", demo.resolve("pairforge:nano"),
        "--host", "127.0.0.1", "--port", str(port), "--max-model-len", "1024", "--max-num-seqs", "128",
        "--enforce-eager", "--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096",
    ]  # fmt: skip
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment) as server:
        try:
            while True:
                if server.poll() is not None:
                    raise SystemExit(f"the vLLM server ended with status {server.returncode}")
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                    break
                time.sleep(1)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def recipe_for(url: str, problems: int, *own: str) -> Recipe:
    """The demo's recipe with the server as its engine."""
    server = ("generator.engine.kind=server", f"generator.engine.base_urls=[{url}]", f"sources.0.limit={problems}")
    return load_recipe(demo.recipe_path(), [*server, "generator.engine.max_num_seqs=128", *own])


def outcome(session: Session, seconds: float) -> Outcome:
    accepted = sum(p.accepted for p in pilot_results(session, begin(session)).values())
    return Outcome(accepted, len(list(session.run.sampled())), seconds)


def ours(recipe: Recipe, folder: Path) -> Outcome:
    """Plan, sample and judge; reading the sources is not timed."""
    session = prepare(recipe, folder)
    verify(session)
    started = time.perf_counter()
    sample(session)
    seconds = time.perf_counter() - started
    verify(session)
    return outcome(session, seconds)


def theirs(python: str, url: str, recipe: Recipe, draws: int, folder: Path) -> Outcome:
    """distilabel's pipeline, then our verifier over what it wrote, off the clock."""
    session = prepare(recipe, folder)
    problems = {problem.question: problem.id for problem in session.each_problem()}
    done = distilabel(python, url, recipe, list(problems), draws, folder)
    with session.run.sample_log() as log:
        for question, texts in done["generations"].items():
            for draw, text in enumerate(texts):
                log.append(to_row(as_drawn(problems[question], draw, text or "")))
    verify(session)
    return outcome(session, done["seconds"])


def as_drawn(problem_id: str, draw: int, text: str) -> Sample:
    return Sample(problem_id, draw, "sampled", text, None, text, "nano", max_tokens=256, finish_reason="stop")


def distilabel(python: str, url: str, recipe: Recipe, questions: list[str], draws: int, folder: Path) -> dict[str, Any]:
    """What the pipeline script wrote. Its own cache and logs stay in `folder`."""
    block = recipe.generator
    assert block is not None
    job = {
        "url": url,
        "model": demo.resolve("pairforge:nano"),
        "system": block.prompt.system,
        "questions": questions,
        "draws": draws,
        **block.sampling.model_dump(include={"max_tokens", "temperature", "top_p"}),
    }
    (folder / "job.json").write_text(json.dumps(job))
    script = Path(__file__).with_name("_distilabel_pipeline.py")
    environment = {**os.environ, "HOME": str(folder), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    command = [python, str(script), str(folder / "job.json"), str(folder / "out.json")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"distilabel's pipeline failed:\n{ran.stderr[-3000:]}")
    return dict(json.loads((folder / "out.json").read_text()))


def compare(args: argparse.Namespace, url: str, folder: Path) -> None:
    """Both arms with one draw each, and with up to four, alternating."""
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    ours(recipe_for(url, 8), folder / "warm")  # imports: distilabel's are before its clock too
    for repeat in range(args.repeats):
        for limit in (1, 4):
            fixed = recipe_for(url, args.problems, f"generator.draws.max={limit}", f"seed={repeat}", *FIXED)
            adaptive = recipe_for(url, args.problems, f"generator.draws.max={limit}", f"seed={repeat}")
            where = folder / f"{repeat}-{limit}"
            arms = {
                f"distilabel n={limit}": lambda f=fixed, w=where, n=limit: theirs(
                    args.distilabel_python, url, f, n, w / "theirs"
                ),
                f"ours, at most {limit}": lambda a=adaptive, w=where: ours(a, w / "ours"),
            }
            for name in sorted(arms, reverse=bool(repeat % 2)):
                outcomes[name].append(arms[name]())
                print(name, outcomes[name][-1], flush=True)
    one = recipe_for(url, args.problems)
    start = distilabel(args.distilabel_python, url, one, ["What is 1 plus 1?"], 1, folder)["seconds"]
    print(f"distilabel's pipeline of one problem: {start:.1f} s")
    for limit in (1, 4):
        mine, other = outcomes[f"ours, at most {limit}"], outcomes[f"distilabel n={limit}"]
        for label, less in (("as it runs", 0.0), ("less its start", start)):
            their_rates = [60 * o.accepted / max(o.seconds - less, 0.1) for o in other]
            ratios = [m.per_minute / r for m, r in zip(mine, their_rates, strict=True)]
            print(
                f"at most {limit} draws, accepted pairs a minute: ours {spread([m.per_minute for m in mine], 0)}, "
                f"distilabel {label} {spread(their_rates, 0)}, ratio {spread(ratios, 2)}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = os.environ.get("DISTILABEL_PYTHON")  # for `make bench`
    parser.add_argument("--distilabel-python", default=given, help="one that has distilabel[openai]==1.5.3")
    parser.add_argument("--problems", type=int, default=240)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    print(f"rival: {machine()}, {date.today():%B %Y}")
    if not args.distilabel_python:
        wanted = "--distilabel-python or DISTILABEL_PYTHON, of an environment with distilabel[openai]==1.5.3"
        print(f"distilabel: skipped, it needs {wanted}")
        return
    with tempfile.TemporaryDirectory() as folder, vllm_server() as url:
        compare(args, url, Path(folder))


if __name__ == "__main__":
    main()
