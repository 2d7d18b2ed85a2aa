"""What the sampling loop costs, what kill -9 would lose, and how cost grows.

    python -m benchmarks.generator overhead   # our tokens/s over raw LLM.generate(all), and over one prompt per call
    python -m benchmarks.generator kill       # what kill -9 would lose, at random moments
    python -m benchmarks.generator growth     # 1k, 10k, 100k problems through a scripted engine; then resume

The first two need vLLM and use the bundled nano model. Compared arms run interleaved (A B, B A, ...) on one engine
that is started once; medians and ranges over `--repeats`. `benchmarks.waste` has the tokens per accepted problem,
`benchmarks.rival` the comparison with distilabel.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks._machine import machine
from benchmarks._nano import SAMPLING, LogStore, demo_problems, prompts, spread, start_llm, warm
from pairforge.generator import Completion, Drawn, Plan, Progress, Request, Task, sample
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.generator.loop import without_length
from pairforge.records import Sample, Verdict, from_row
from pairforge.run.log import read_log
from pairforge.verifier import Item, Verifier

# --- overhead ------------------------------------------------------------------------------------------------------


def overhead(args: argparse.Namespace) -> None:
    """Fixed work: ignore_eos and given lengths, so that every arm decodes the same number of tokens."""
    llm = start_llm()
    texts = prompts(demo_problems(args.prompts))
    rng = random.Random(0)
    budgets = [rng.randrange(20, 120) for _ in texts]
    with Verifier(workers=1) as verifier:
        print(f"verifier start: {warm(verifier):.1f} s (like the engine's, before the clock)")
        for seeded in (True, False):
            rates = interleaved(
                {
                    "raw": lambda s=seeded: raw(llm, texts, budgets, s),
                    "ours": lambda s=seeded: ours(llm, texts, budgets, verifier, s),
                },
                args.repeats,
            )
            label = "per-request seeds" if seeded else "no seeds"
            print_ratio(f"LLM.generate(all), {label}, {sum(budgets):,} tokens in {len(texts)} prompts", rates, "raw")
        few = args.single
        rates = interleaved(
            {
                "alone": lambda: one_by_one(llm, texts[:few], budgets[:few]),
                "ours": lambda: ours(llm, texts, budgets, verifier, True),
            },
            args.repeats,
        )
        print_ratio(f"one prompt per generate call ({few} prompts)", rates, "alone")


@dataclass(frozen=True, slots=True)
class Rate:
    """Tokens per second of the clock, and of processor time (this process and the verifier's workers together).

    The second does not depend on what else the machine does, but charges us for work that other cores would do.
    """

    wall: float
    cpu: float


@contextlib.contextmanager
def timed(tokens: Callable[[], int]) -> Iterator[list[Rate]]:
    """Measure the block, which ends in `tokens()` sampled tokens; the rate is in the list afterwards."""
    measured: list[Rate] = []
    started, used = time.perf_counter(), cpu_s()
    yield measured
    seconds, cpu = time.perf_counter() - started, cpu_s() - used
    measured.append(Rate(tokens() / seconds, tokens() / cpu))


def cpu_s() -> float:
    """Processor seconds of this process and its living children."""
    own = time.process_time()
    pids = Path("/proc/self/task/").glob("*/children")
    for pid in " ".join(file.read_text() for file in pids).split():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own


def interleaved(arms: dict[str, Callable[[], Rate]], repeats: int) -> dict[str, list[Rate]]:
    """Each arm's results, in the order A B, B A, A B, ...; a first round warms up and is not counted."""
    results: dict[str, list[Rate]] = defaultdict(list)
    for repeat in range(repeats + 1):
        for name in sorted(arms, reverse=bool(repeat % 2)):
            result = arms[name]()
            if repeat:
                results[name].append(result)
    return results


def print_ratio(label: str, rates: dict[str, list[Rate]], base: str) -> None:
    pairs = list(zip(rates["ours"], rates[base], strict=True))
    wall, cpu = [o.wall / b.wall for o, b in pairs], [o.cpu / b.cpu for o, b in pairs]
    print(f"{label}: {spread([b.wall for _, b in pairs], 0)} tokens/s, ours {spread([o.wall for o, _ in pairs], 0)}")
    print(f"    ratio {spread(wall)}; in tokens per CPU second {spread(cpu)}", flush=True)


def parameters(budget: int, seed: int | None) -> Any:
    from vllm import SamplingParams

    return SamplingParams(**SAMPLING, ignore_eos=True, max_tokens=budget, seed=seed)


def raw(llm: Any, texts: list[str], budgets: list[int], seeded: bool) -> Rate:
    params = [parameters(b, n if seeded else None) for n, b in enumerate(budgets)]
    with timed(lambda: sum(budgets)) as rate:
        llm.generate(texts, params, use_tqdm=False)
    return rate[0]


def one_by_one(llm: Any, texts: list[str], budgets: list[int]) -> Rate:
    with timed(lambda: sum(budgets)) as rate:
        for n, (text, budget) in enumerate(zip(texts, budgets, strict=True)):
            llm.generate([text], parameters(budget, n), use_tqdm=False)
    return rate[0]


def ours(llm: Any, texts: list[str], budgets: list[int], verifier: Verifier, seeded: bool) -> Rate:
    """Our loop with both logs and the real verifier, until the last verdict is on disk."""
    from pairforge.generator.engines.vllm import VllmEngine

    class Unseeded(VllmEngine):
        def _params(self, request: Request) -> Any:
            params = super()._params(request)
            params.seed = None
            return params

    kind = VllmEngine if seeded else Unseeded
    engine = kind.around(llm.llm_engine, sampling={**SAMPLING, "ignore_eos": True})
    tasks = [Task(f"p{n}", text, budget, "84") for n, (text, budget) in enumerate(zip(texts, budgets, strict=True))]
    with tempfile.TemporaryDirectory() as folder:
        store = LogStore(Path(folder))
        with timed(lambda: progress.sampled_tokens) as rate:
            progress = sample(Plan(tasks, run_seed=0), engine, verifier, store, model="nano")
            store.close()
    assert progress.sampled_tokens == sum(budgets)
    return rate[0]


# --- kill ----------------------------------------------------------------------------------------------------------


def kill(args: argparse.Namespace) -> None:
    """The tokens of unfinished requests at random steps: what SIGKILL at that moment would lose.

    What has finished is on disk by then, which tests/pipeline/test_kill.py shows by killing for real.
    """
    from pairforge.generator.engines.vllm import VllmEngine

    llm = start_llm()
    engine = VllmEngine.around(llm.llm_engine, sampling=SAMPLING)
    tasks = [Task(f"p{n}", text, 256, "84") for n, text in enumerate(prompts(demo_problems(args.prompts)))]
    lost: list[int] = []
    rng = random.Random(0)

    def look(progress: Progress) -> None:
        if rng.random() < 0.2 and progress.in_flight:
            states = llm.llm_engine.output_processor.request_states.values()
            lost.append(sum(state.detokenizer.num_output_tokens() for state in states if state.detokenizer))

    with tempfile.TemporaryDirectory() as folder, Verifier(workers=1) as verifier:
        warm(verifier)
        store = LogStore(Path(folder))
        progress = sample(Plan(tasks, run_seed=0, max_draws=4), engine, verifier, store, model="nano", on_progress=look)
        store.close()
    rate = progress.sampled_tokens / progress.seconds
    print(
        f"{progress.sampled_tokens:,} tokens in {progress.seconds:.1f} s, window {engine.window}, {len(lost)} moments"
    )
    print(f"kill -9 loses the requests in flight: {spread([float(n) for n in lost], 0)} tokens")
    print(f"which is {spread([n / rate for n in lost], 2)} s of work")


# --- growth --------------------------------------------------------------------------------------------------------


class QuickVerifier:
    """Judges by comparing text, in no time: what is measured is the loop."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    @property
    def pending(self) -> int:
        return len(self._items)

    def submit(self, item: Item) -> None:
        self._items.append(item)

    def poll(self, timeout_s: float = 0.0) -> list[Verdict]:
        done, self._items = self._items, []
        return [Verdict(i.key, "correct" if i.text == i.gold else "incorrect", "", "", "", "1") for i in done]


def growth(args: argparse.Namespace) -> None:
    """Each size in a process of its own, for its peak memory; sizes interleaved."""
    seen: dict[int, list[dict[str, float]]] = defaultdict(list)
    for _ in range(args.repeats):
        for size in args.sizes:
            command = [sys.executable, "-m", "benchmarks.generator", "growth-one", "--sizes", str(size)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seen[size].append(json.loads(output.splitlines()[-1]))
    for size, rows in seen.items():
        us, cpu, memory, plan, plan_cpu = ([row[name] for row in rows] for name in GROWTH_FIGURES)
        print(f"{size:>7,} problems, {rows[0]['samples']:,} samples")
        print(f"    per problem: {spread(us, 0)} us, of that {spread(cpu, 0)} us of CPU; {spread(memory, 0)} bytes")
        print(f"    resume plans in {spread(plan, 2)} s, of that {spread(plan_cpu, 2)} s of CPU", flush=True)


GROWTH_FIGURES = ("us", "cpu_us", "bytes", "plan_s", "plan_cpu_s")


def growth_one(args: argparse.Namespace) -> None:
    """One size; prints its figures as JSON."""
    size = args.sizes[0]

    def tasks() -> Iterator[Task]:
        for n in range(size):
            yield Task(f"{n:016x}", f"Solve problem number {n}. " * 10, 100 + n % 900, "yes")

    def answer(request: Request) -> Completion:
        right = request.draw >= int(request.problem_id, 16) % 3
        return Completion(request.key, "yes" if right else "no " * 100, 100, "stop")

    def accept(problem_id: str, facts: Any) -> bool:
        return any(fact.status == "correct" for fact in facts)

    def plan(stored: Iterator[Drawn]) -> Plan:
        return Plan(tasks(), run_seed=0, max_draws=8, accept=accept, stored=stored)

    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, cpu = time.perf_counter(), time.process_time()
        store = LogStore(Path(folder))
        engine = ScriptedEngine(answer, window=256, per_poll=32)
        engine.requests = SimpleNamespace(append=lambda request: None)  # type: ignore[assignment]
        progress = sample(plan(iter(())), engine, QuickVerifier(), store, model="m")  # type: ignore[arg-type]
        store.close()
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, cpu = time.perf_counter(), time.process_time()
        verdicts = {row["sample_key"]: from_row(Verdict, row) for row in read_log(Path(folder) / "verdicts.jsonl")}
        stored = (from_row(Sample, row) for row in read_log(Path(folder) / "samples.jsonl"))
        again = plan(Drawn(s.problem_id, s.draw, s.max_tokens, without_length(s, verdicts[s.key])) for s in stored)
        plan_s, plan_cpu_s = time.perf_counter() - started, time.process_time() - cpu
        assert again.finished
        memory = 1024 * (after - before) / size
        figures = (1e6 * seconds / size, 1e6 * cpu_s / size, memory, plan_s, plan_cpu_s)
        print(json.dumps({"samples": progress.samples, **dict(zip(GROWTH_FIGURES, figures, strict=True))}))


def main() -> None:
    commands = {"overhead": overhead, "kill": kill, "growth": growth, "growth-one": growth_one}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=[*commands, "all"], default="all")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=240)
    parser.add_argument("--single", type=int, default=12, help="prompts for the one-by-one arm")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    args = parser.parse_args()
    if args.what == "all":  # each in a process of its own: one engine at a time
        for name in ("overhead", "kill", "growth"):
            subprocess.run([sys.executable, "-m", "benchmarks.generator", name, *sys.argv[2:]], check=True)
        return
    if args.what != "growth-one":
        print(f"{args.what}: {machine()}, {date.today():%B %Y}", flush=True)
    commands[args.what](args)


if __name__ == "__main__":
    main()
