"""How fast rules are: one view, a sweep of 50 rule sets, memory, growth, and against `datasets.filter/map`.

    python -m benchmarks.filters                 # 10k, 100k and 1M candidates, the baseline at 1M (several minutes)
    python -m benchmarks.filters --sizes 10000 --baseline 10000

The evidence is generated: one given and eight sampled solutions per problem, statuses and lengths drawn at random.
The baseline applies the same rules with Python functions to a `datasets.Dataset` that already holds one row per
candidate; the time to build that dataset is not counted against it. Its pairs must be the same pairs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from benchmarks._machine import machine
from pairforge.filters import Bounds, Evidence, Rules, SideRules, prepare, select
from pairforge.filters.choices.pick import PickBy
from pairforge.filters.sweep import Arm, sweep

DRAWS = 8
RULES = Rules(
    chosen=SideRules(origin="given", max_tokens=7000),
    rejected=SideRules(origin="sampled"),
    gap=Bounds(min=200, max=4000),
    ratio=Bounds(min=1.5),
    total=Bounds(max=6000),
)


def tables(candidates: int, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Problems and samples with `candidates` couples of a given and a sampled solution."""
    rng = np.random.default_rng(seed)
    n = candidates // DRAWS
    ids = np.array([f"{int(x):016x}" for x in rng.integers(0, 2**63, n)])
    problems = pl.DataFrame(
        {"problem_id": ids, "source": rng.choice(["amc", "aime", "olympiads"], n), "draws": DRAWS, "stopped_by": "max"}
    ).with_columns(pass_rate=rng.integers(0, DRAWS + 1, n) / DRAWS)

    def part(origin: str, draws: int, shortest: int, longest: int) -> pl.DataFrame:
        size = n * draws
        lengths = rng.integers(shortest, longest, size)
        frame = pl.DataFrame(
            {"problem_id": np.repeat(ids, draws), "draw": np.tile(np.arange(draws), n), "completion_tokens": lengths}
        )
        status = rng.choice(["correct", "incorrect", "truncated"], size, p=[0.6, 0.3, 0.1])
        return frame.with_columns(
            pl.lit(origin).alias("origin"),
            pl.Series("status", status),
            pl.Series("answer", rng.integers(0, 50, size).astype(str)),
            sample_key=pl.concat_str("problem_id", pl.lit(origin), "draw", pl.lit("0"), separator="/"),
            prompt_tokens=100,
            budget_limited=False,
            max_tokens=0,
        )

    return problems, pl.concat([part("given", 1, 500, 8000), part("sampled", DRAWS, 50, 1024)])


# The same rules, and what scores and sums over a problem's solutions add to them.
SCORED = RULES.model_copy(
    update={
        "where": "rejected_quality > 0.1 and rejected_tokens <= 1.5 * mean_correct_tokens_sampled",
        "pick": PickBy(by="rejected_quality", order="largest"),
    }
)


def scored(samples: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """The samples with a score."""
    return samples.with_columns(quality=np.random.default_rng(seed).random(samples.height))


def fifty_arms() -> list[Arm]:
    gaps = [500, 1000, 2000, 4000, None]
    picks = ["shortest", "longest", "closest", "random", "all"]
    sides = {"chosen": RULES.chosen, "rejected": RULES.rejected}
    return [
        Arm(
            {"gap.max": gap, "pick": pick, "wrong_share": share},
            Rules(**sides, gap=Bounds(min=200, max=gap), pick=pick, wrong_share=share),  # type: ignore[arg-type]
        )
        for gap in gaps
        for pick in picks
        for share in (0.0, 0.2)
    ]


def candidate_rows(evidence: Evidence) -> pl.DataFrame:
    """One row per candidate, as the baseline's dataset wants it."""
    samples = evidence.samples.with_columns(pl.col(pl.Categorical).cast(pl.String))
    side = samples.select("problem_id", "sample_key", "status", "completion_tokens", "prompt_tokens")
    given, sampled = (side.filter(samples["origin"] == origin) for origin in ("given", "sampled"))
    return given.join(sampled.drop("prompt_tokens"), on="problem_id", suffix="_rejected")


def baseline(rows: pl.DataFrame) -> Callable[[], set[tuple[str, str]]]:
    """The same rules as Python functions over rows, one `filter` per rule and one `map` for the measures."""
    import datasets

    datasets.disable_progress_bars()
    datasets.disable_caching()
    dataset = datasets.Dataset(rows.to_arrow())

    def measures(row: dict) -> dict:
        chosen, rejected = row["completion_tokens"], row["completion_tokens_rejected"]
        return {"gap": chosen - rejected, "ratio": chosen / max(rejected, 1), "total": row["prompt_tokens"] + chosen}

    def run() -> set[tuple[str, str]]:
        kept = dataset.map(measures)
        kept = kept.filter(lambda row: row["status"] == "correct")
        kept = kept.filter(lambda row: row["completion_tokens"] <= 7000)
        kept = kept.filter(lambda row: row["status_rejected"] == "correct")
        kept = kept.filter(lambda row: 200 <= row["gap"] <= 4000)
        kept = kept.filter(lambda row: row["ratio"] >= 1.5)
        kept = kept.filter(lambda row: row["total"] <= 6000)
        best: dict[str, tuple[int, str]] = {}
        for row in kept:
            found = (row["completion_tokens_rejected"], row["sample_key_rejected"])
            best[row["problem_id"]] = min(best.get(row["problem_id"], found), found)
        return {(problem, key) for problem, (_, key) in best.items()}

    return run


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Wall time and processor time (of all threads) of a call: on a busy machine only the second can be trusted."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def show(times: list[tuple[float, float]]) -> str:
    walls, cpus = zip(*times, strict=True)
    span = f" ({min(walls):.2f} - {max(walls):.2f})" if len(times) > 1 else ""
    return f"{statistics.median(walls):.2f} s{span}, processor {statistics.median(cpus):.2f} s"


def peak_gib() -> float:
    """The process's peak resident memory."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--baseline", type=int, default=1_000_000, help="candidates for datasets.filter/map; 0: skip")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"{machine()}, {date.today():%B %Y}; medians of {options.repeats} (range)\n")
    for size in options.sizes:
        problems, samples = tables(size)
        views = [seconds(lambda: select(prepare(problems, samples), RULES)) for _ in range(options.repeats)]  # noqa: B023
        more = scored(samples)
        rich = [seconds(lambda: select(prepare(problems, more), SCORED)) for _ in range(options.repeats)]  # noqa: B023
        evidence = prepare(problems, samples)
        arms = seconds(lambda: sweep(evidence, fifty_arms()))  # noqa: B023
        times = [statistics.median(cpu for _, cpu in found) for found in (rich, views)]
        print(
            f"{size:>9,} candidates: one view {show(views)}; with a score and a sum {show(rich)}, "
            f"{times[0] / times[1]:.2f}x in processor time; sweep of 50 rule sets {show([arms])}; "
            f"peak memory {peak_gib():.2f} GiB",
            flush=True,
        )
    if options.baseline:
        against_datasets(options.baseline, options.repeats)


def against_datasets(size: int, repeats: int) -> None:
    """Both ways in one run, ours before and after the slow one."""
    problems, samples = tables(size)
    evidence = prepare(problems, samples)
    slow = baseline(candidate_rows(evidence))
    times = [seconds(lambda: select(prepare(problems, samples), RULES)) for _ in range(repeats)]
    kept: list[set[tuple[str, str]]] = []
    theirs = seconds(lambda: kept.append(slow()))
    times += [seconds(lambda: select(prepare(problems, samples), RULES)) for _ in range(repeats)]
    pairs = select(evidence, RULES).pairs
    lengths = pairs.sort("problem_id")["rejected_tokens"].to_list()
    keys = dict(samples.select("sample_key", "completion_tokens").rows())
    same = lengths == [keys[key] for _, key in sorted(kept[0])]
    ratios = [theirs[at] / statistics.median(time[at] for time in times) for at in (0, 1)]
    print(
        f"\n{size:,} candidates, the same rules: datasets.map/filter {show([theirs])}; pairforge {show(times)}: "
        f"{ratios[0]:.0f}x in wall time, {ratios[1]:.0f}x in processor time; pairs {'agree' if same else 'DIFFER'}"
    )


if __name__ == "__main__":
    main()
