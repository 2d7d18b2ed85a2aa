"""How long a large run takes from the command to the engine's start, when half of it is sampled already.

    python -m benchmarks.resume [--sizes 10000 100000]

A run of short synthetic problems is planned once, which counts every given solution and every prompt. Then it is left
as `kill -9` leaves it: half of the problems have one sample and its verdict in the logs. The first resume compacts the
logs and counts the samples; the later ones find that done. Timed is `pairforge.pipeline.sample` up to where it opens
the engine, on the demo's tokenizer, without the seconds that importing the libraries takes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path

from benchmarks._machine import machine
from benchmarks._nano import spread
from pairforge import demo, lengths
from pairforge.pipeline import Session, prepare, sample, sampling
from pairforge.recipe import Recipe, load_recipe
from pairforge.records import Sample, Verdict, to_row
from pairforge.run import Run
from pairforge.verifier import VERIFIER_VERSION


class EngineOpens(Exception):
    """Raised where the engine would start: as far as the time is taken."""


def rows(count: int) -> Iterator[dict[str, str]]:
    for n in range(count):
        more = n % 97 + 3
        text = f"Tom has {n} and buys {more}, that makes {n + more}. I check: {n + more} minus {more} is {n}. Good."
        question = f"Tom has {n} apples and buys {more} more in the shop at the corner. How many apples has he now?"
        yield {"question": question, "answer": str(n + more), "long": f"{text}\n\nSo it is \\boxed{{{n + more}}}."}


def judged(count: int, folder: Path) -> tuple[Recipe, Run]:
    """A run whose given solutions have their verdicts."""
    problems = folder / "problems.jsonl"
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows(count)))
    source = f"sources=[{{dataset: {problems}, adapter: columns, columns: {{long: long}}}}]"
    recipe = load_recipe(demo.recipe_path(), [source, "filter.gap.min=1", "decontaminate.sets=[]"])
    run = prepare(recipe, folder / "run").run
    with run.verdict_log() as verdicts:
        for problem in run.each_problem():
            verdicts.append(correct(f"{problem.id}/given/0/0", problem.answer))
    return recipe, run


def leave_half_sampled(run: Run) -> None:
    """Write what a kill would leave."""
    with run.sample_log() as samples, run.verdict_log() as verdicts:
        for problem in islice(run.each_problem(), 0, None, 2):
            text = f"\\boxed{{{problem.answer}}}."
            drawn = Sample(problem.id, 0, "sampled", text, None, text, "m", max_tokens=256, sampled_tokens=5)
            samples.append(to_row(drawn))
            verdicts.append(correct(drawn.key, problem.answer))


def correct(sample_key: str, answer: str) -> dict[str, object]:
    return to_row(Verdict(sample_key, "correct", answer, "", "", VERIFIER_VERSION))


def until_the_engine(recipe: Recipe, run: Run) -> float:
    """Seconds from the call to where the engine would start."""
    started = time.perf_counter()
    try:
        sample(Session(recipe, run))
    except EngineOpens:
        return time.perf_counter() - started
    raise AssertionError("nothing was missing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    print(f"resume: {machine()}, {date.today():%B %Y}")

    def stop_here(*_: object) -> None:
        raise EngineOpens

    sampling.open_engine = stop_here  # type: ignore[assignment]
    for size in args.sizes:
        with tempfile.TemporaryDirectory() as folder:
            recipe, run = judged(size, Path(folder))
            lengths.load_tokenizer(demo.resolve(recipe.filter.tokenizer)).encode("imports what counting needs")
            first = until_the_engine(recipe, run)
            leave_half_sampled(run)
            killed, *later = (until_the_engine(recipe, run) for _ in range(1 + args.repeats))
            print(
                f"{size:>7,} problems: {first:.1f} s at first, {killed:.1f} s after a kill, then {spread(later, 1)} s"
            )


if __name__ == "__main__":
    main()
