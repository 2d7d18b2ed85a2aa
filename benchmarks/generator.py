"""What the sampling loop costs, and what it saves.

    python -m benchmarks.generator overhead   # our tokens/s over raw LLM.generate(all), and over one prompt per call
    python -m benchmarks.generator waste      # tokens per accepted problem: n=4, n=1, until accepted with budgets
    python -m benchmarks.generator kill       # what kill -9 would lose, at random moments
    python -m benchmarks.generator growth     # 1k, 10k, 100k problems through a scripted engine; then resume

The first three need vLLM and use the bundled nano model. Compared arms run interleaved (A B B A) on one engine, that
is started once; medians and ranges over `--repeats`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks._machine import machine
from pairforge import demo, lengths
from pairforge.chat import prompt_messages, render_prompt
from pairforge.filters.rules import Bounds, SideRule
from pairforge.filters.target import Facts, Target, accepts, longest_useful
from pairforge.generator import Completion, Drawn, Plan, Progress, Request, Task, sample
from pairforge.generator.loop import without_length
from pairforge.generator.scripted import ScriptedEngine
from pairforge.log import AppendLog, read_log
from pairforge.records import Sample, Verdict, from_row, to_row
from pairforge.verifier import Item, Verifier

SAMPLING = {"temperature": 0.7, "top_p": 0.9}
CONTEXT_TOKENS = 1024


class LogStore:
    """Samples and verdicts in two append-only logs, as a run keeps them."""

    def __init__(self, folder: Path) -> None:
        self.samples, self.verdicts = AppendLog(folder / "samples.jsonl"), AppendLog(folder / "verdicts.jsonl")

    def add_sample(self, sample: Sample) -> None:
        self.samples.append(to_row(sample))

    def add_verdict(self, verdict: Verdict) -> None:
        self.verdicts.append(to_row(verdict))

    def close(self) -> None:
        self.samples.close()
        self.verdicts.close()


def demo_problems(limit: int | None = None) -> list[dict[str, Any]]:
    with demo.demo_path("pairforge:demo").open() as lines:
        rows = [json.loads(line) for line in lines]
    return rows[:limit]


def prompts(rows: list[dict[str, Any]]) -> list[str]:
    tokenizer = lengths.load_tokenizer(demo.resolve("pairforge:nano"))
    question = next(name for name in ("question", "problem") if name in rows[0])
    return [render_prompt(tokenizer, prompt_messages("Answer briefly.", "{question}", row[question])) for row in rows]


def start_llm(max_num_seqs: int = 128) -> Any:
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    from vllm import LLM

    started = time.perf_counter()
    llm = LLM(
        demo.resolve("pairforge:nano"), max_model_len=CONTEXT_TOKENS, max_num_seqs=max_num_seqs, enforce_eager=True,
        enable_chunked_prefill=False, max_num_batched_tokens=4096, disable_log_stats=True,
    )  # fmt: skip
    print(f"engine start: {time.perf_counter() - started:.1f} s")
    return llm


def spread(values: list[float], digits: int = 3) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


# --- overhead ------------------------------------------------------------------------------------------------------


def overhead(args: argparse.Namespace) -> None:
    """Fixed work: ignore_eos and given lengths, so that every arm decodes the same number of tokens."""
    llm = start_llm()
    texts = prompts(demo_problems(args.prompts))
    rng = random.Random(0)
    budgets = [rng.randrange(20, 120) for _ in texts]
    for seeded in (True, False):
        arms: dict[str, Callable[[], float]] = {
            "raw": lambda s=seeded: raw(llm, texts, budgets, s),
            "ours": lambda s=seeded: ours(llm, texts, budgets, s),
        }
        rates: dict[str, list[float]] = {"raw": [], "ours": []}
        for repeat in range(args.repeats + 1):
            for name in ("raw", "ours", "ours", "raw"):
                rate = arms[name]()
                if repeat:  # the first round warms up
                    rates[name].append(rate)
        pairs = [o / r for o, r in zip(rates["ours"], rates["raw"], strict=True)]
        label = "per-request seeds" if seeded else "no seeds"
        print(
            f"{label}: raw {spread(rates['raw'], 0)} tokens/s, ours {spread(rates['ours'], 0)}, ratio {spread(pairs)}"
        )
    few = args.single
    alone, together = [], []
    for _ in range(max(args.repeats, 1)):
        together.append(ours(llm, texts, budgets, True))
        alone.append(one_by_one(llm, texts[:few], budgets[:few]))
    ratios = [t / a for t, a in zip(together, alone, strict=True)]
    print(
        f"one prompt per generate call ({few} prompts): {spread(alone, 0)} tokens/s, ours over it {spread(ratios, 1)}"
    )


def parameters(budget: int, seed: int | None) -> Any:
    from vllm import SamplingParams

    return SamplingParams(**SAMPLING, ignore_eos=True, max_tokens=budget, seed=seed)


def raw(llm: Any, texts: list[str], budgets: list[int], seeded: bool) -> float:
    params = [parameters(b, n if seeded else None) for n, b in enumerate(budgets)]
    started = time.perf_counter()
    outputs = llm.generate(texts, params, use_tqdm=False)
    return sum(len(o.outputs[0].token_ids) for o in outputs) / (time.perf_counter() - started)


def one_by_one(llm: Any, texts: list[str], budgets: list[int]) -> float:
    started = time.perf_counter()
    tokens = 0
    for n, (text, budget) in enumerate(zip(texts, budgets, strict=True)):
        tokens += len(llm.generate([text], parameters(budget, n), use_tqdm=False)[0].outputs[0].token_ids)
    return tokens / (time.perf_counter() - started)


def ours(llm: Any, texts: list[str], budgets: list[int], seeded: bool) -> float:
    """Our loop with both logs and the real verifier, until the last verdict is on disk."""
    from pairforge.generator.vllm_engine import VllmEngine

    engine = VllmEngine.around(llm.llm_engine, sampling={**SAMPLING, "ignore_eos": True})
    if not seeded:
        seeded_params = engine._params

        def without_seed(request: Request) -> Any:
            params = seeded_params(request)
            params.seed = None
            return params

        engine._params = without_seed  # type: ignore[method-assign]
    tasks = [Task(f"p{n}", text, budget, "84") for n, (text, budget) in enumerate(zip(texts, budgets, strict=True))]
    with tempfile.TemporaryDirectory() as folder, Verifier(workers=1) as verifier:
        verifier.submit(Item("warm", "\\frac{1}{2}", "\\boxed{0.5}"))  # workers start as engines do: before the clock
        while verifier.pending:
            verifier.poll(0.1)
        store = LogStore(Path(folder))
        started = time.perf_counter()
        progress = sample(Plan(tasks, run_seed=0), engine, verifier, store, model="nano")
        store.close()
        return progress.sampled_tokens / (time.perf_counter() - started)


# --- waste ---------------------------------------------------------------------------------------------------------


def waste(args: argparse.Namespace) -> None:
    """Draw n=4 once at full budget, then replay its prefixes under each way of drawing."""
    from pairforge.generator.vllm_engine import VllmEngine

    llm = start_llm()
    tokenizer = lengths.load_tokenizer(demo.resolve("pairforge:nano"))
    rows = demo_problems(args.prompts)
    texts = prompts(rows)
    answer = next(name for name in ("answer", "gold") if name in rows[0])
    long = next(name for name in ("long", "solution", "long_solution", "response") if name in rows[0])
    # the demo recipe's rule: the given solution chosen, a sampled one that is at least 20 tokens shorter rejected
    target = Target(chosen=SideRule("given"), rejected=SideRule("sampled"), gap=Bounds(min=20))
    given = {f"p{n}": Facts("given", "correct", _tokens(tokenizer, row[long])) for n, row in enumerate(rows)}
    tasks = [Task(f"p{n}", text, 256, str(row[answer])) for n, (text, row) in enumerate(zip(texts, rows, strict=True))]
    facts: dict[str, list[tuple[Facts, int]]] = {}

    def weigh(drawn: Sample, verdict: Verdict | None) -> Facts:
        fact = Facts("sampled", verdict.status if verdict else "error", _tokens(tokenizer, drawn.text))
        facts.setdefault(drawn.problem_id, []).append((fact, drawn.sampled_tokens))
        return fact

    engine = VllmEngine.around(llm.llm_engine, sampling=SAMPLING)
    with tempfile.TemporaryDirectory() as folder, Verifier() as verifier:
        store = LogStore(Path(folder))
        sample(Plan(tasks, run_seed=0, max_draws=4), engine, verifier, store, model="nano", weigh=weigh)
        store.close()

    def cost(draws: int, until: bool, budgets: bool) -> tuple[int, int]:
        tokens = accepted = 0
        for problem, long_fact in given.items():
            longest = longest_useful([long_fact], target, 0) if budgets else None
            seen: list[Facts] = []
            for fact, used in facts[problem][:draws]:
                cut = longest is not None and used > longest + 1
                tokens += longest + 1 if cut and longest is not None else used
                seen.append(Facts("sampled", "truncated", None) if cut else fact)
                if until and accepts([long_fact, *seen], target):
                    break
            accepted += accepts([long_fact, *seen], target)
        return tokens, accepted

    fixed, accepted = cost(4, until=False, budgets=False)
    print(f"{len(rows)} problems; fixed n=4: {fixed:,} tokens, {accepted} accepted, {fixed / accepted:.1f} each")
    for label, draws, until, budgets in (
        ("until accepted, at most 4", 4, True, False),
        ("until accepted, budget from the rule", 4, True, True),
        ("n=1 (the paper)", 1, False, False),
    ):
        tokens, count = cost(draws, until, budgets)
        each = tokens / max(count, 1)
        print(f"{label}: {tokens:,} tokens, {count} accepted, {each:.1f} each, {each / (fixed / accepted):.2f} of n=4")


def _tokens(tokenizer: Any, text: str) -> int:
    return len(tokenizer.encode(text, add_special_tokens=False))


# --- kill ----------------------------------------------------------------------------------------------------------


def kill(args: argparse.Namespace) -> None:
    """The tokens of unfinished requests at random steps: what SIGKILL at that moment would lose."""
    from pairforge.generator.vllm_engine import VllmEngine

    llm = start_llm()
    engine = VllmEngine.around(llm.llm_engine, sampling=SAMPLING)
    texts = prompts(demo_problems(args.prompts))
    tasks = [Task(f"p{n}", text, 256, "84") for n, text in enumerate(texts)]
    lost: list[int] = []
    rng = random.Random(0)

    def look(progress: Progress) -> None:
        if rng.random() < 0.2 and progress.in_flight:
            states = llm.llm_engine.output_processor.request_states.values()
            lost.append(sum(state.detokenizer.num_output_tokens() for state in states))

    with tempfile.TemporaryDirectory() as folder, Verifier(workers=1) as verifier:
        store = LogStore(Path(folder))
        progress = sample(Plan(tasks, run_seed=0, max_draws=4), engine, verifier, store, model="nano", on_progress=look)
        store.close()
    rate = progress.sampled_tokens / progress.seconds
    print(f"{progress.sampled_tokens:,} tokens in {progress.seconds:.1f} s, {len(lost)} moments looked at")
    print(f"in flight and lost by kill -9: {spread([float(n) for n in lost], 0)} tokens")
    print(f"which is {spread([n / rate for n in lost], 2)} s of work; finished samples lost: 0 (a test kills for that)")


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
    """Each size in a process of its own, for its peak memory."""
    for size in args.sizes:
        command = [sys.executable, "-m", "benchmarks.generator", "growth-one", "--sizes", str(size)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(), flush=True)


def growth_one(args: argparse.Namespace) -> None:
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
        resumed, resumed_cpu_s = time.perf_counter() - started, time.process_time() - cpu
        assert again.finished
        print(
            f"{size:>7,} problems, {progress.samples:,} samples: {1e6 * seconds / size:.0f} us "
            f"({1e6 * cpu_s / size:.0f} us of CPU) and {1024 * (after - before) / size:,.0f} bytes per problem; "
            f"resume plans in {resumed:.1f} s ({resumed_cpu_s:.1f} s of CPU)"
        )


def main() -> None:
    commands = {"overhead": overhead, "waste": waste, "kill": kill, "growth": growth, "growth-one": growth_one}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=[*commands, "all"], default="all")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=400)
    parser.add_argument("--single", type=int, default=24, help="prompts for the one-by-one arm")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    args = parser.parse_args()
    if args.what != "growth-one":
        print(f"{machine()}, {date.today():%B %Y}")
    if args.what == "all":  # each in a process of its own: one engine at a time
        for name in ("overhead", "waste", "kill", "growth"):
            subprocess.run([sys.executable, "-m", "benchmarks.generator", name, *sys.argv[2:]], check=True)
    else:
        commands[args.what](args)


if __name__ == "__main__":
    main()
