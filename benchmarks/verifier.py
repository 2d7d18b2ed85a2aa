"""How right and how fast the verifier is, next to a plain loop of math-verify's `parse` and `verify`.

    python -m benchmarks.verifier                          # accuracy on the labelled cases, three speed workloads
    python -m benchmarks.verifier --samples math.jsonl     # (b) on real samples: rows with `answer` and `samples`

The plain loop runs in one process with its default settings, the gold as `\\boxed{gold}`, which is how it does best.
Both sides take turns on the same items; the figures are medians over the rounds, with the range of the ratio.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import random
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks._machine import machine
from pairforge.verifier import VERIFIER_VERSION, Item, Verifier
from tests.verifier.cases import load_cases

PROSE = "We look at the problem again and write down what is known, then we combine the two equations. "
WARM_UP = [Item(str(n), f"x+{n}", f"\\boxed{{{n}+x}}") for n in range(40)] + [
    Item("mv", "A \\perp B", "\\boxed{B \\perp C}")
]


def plain(items: list[Item]) -> list[bool]:
    """math-verify as its README shows it."""
    from math_verify import parse, verify

    results = []
    for item in items:
        gold = item.gold.rsplit("####", 1)[-1].strip()
        boxed = gold if "\\boxed" in gold else "\\boxed{" + gold + "}"
        results.append(bool(verify(parse(boxed), parse(item.text))))
    return results


def integers(count: int, seed: int = 0) -> list[Item]:
    """(a) GSM8K-like: a short solution that ends in an integer, nine of ten right."""
    rng = random.Random(seed)
    items = []
    for n in range(count):
        gold = rng.randint(1, 20_000)
        answer = gold if rng.random() < 0.9 else gold + rng.randint(1, 9)
        a = rng.randint(1, gold)
        text = (
            f"{PROSE * 5}First {a} of them, then {gold - a} more: {a}+{gold - a}. So the answer is \\boxed{{{answer}}}."
        )
        items.append(Item(str(n), f"{a}+{gold - a}=<<{a}+{gold - a}={gold}>>{gold}\n#### {gold}", text))
    return items


def math_samples(path: Path | None) -> list[Item]:
    """(b) Eight samples a problem: real ones when a file is given, else made from the labelled cases."""
    if path is not None:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [Item(f"{n}/{k}", r["answer"], s) for n, r in enumerate(rows) for k, s in enumerate(r["samples"])]
    rng = random.Random(1)
    kinds = (
        "radicals",
        "expressions",
        "fractions",
        "complex numbers",
        "intervals and inequalities",
        "tuples and points",
    )
    cases = [case for case in load_cases() if case.kind in kinds and case.response.startswith("\\boxed")]
    wrong = [case.response for case in cases]
    items = []
    for n, case in enumerate(cases):
        answers = [case.response] * 5 + [rng.choice(wrong) for _ in range(3)]
        items += [Item(f"{n}/{k}", case.gold, PROSE * (k + 5) + f"Hence {a}.") for k, a in enumerate(answers)]
    return items


def long_texts(count: int) -> list[Item]:
    """(c) 30,000 characters of reasoning before the answer."""
    answers = itertools.cycle(
        [("{n}", "{n}"), ("\\frac{{{n}}}{{7}}", "{n}/7"), ("{n}\\sqrt{{2}}", "\\sqrt{{2}}\\cdot {n}")]
    )
    items = []
    for n, (gold, answer) in zip(range(count), answers, strict=False):
        value = 11 + 5 * n
        body = (f"Step {n}: $x_{n} = {value}$. " + PROSE) * 240
        text = f"<think>{body[:30_000]}</think>\n\nThe answer is $\\boxed{{{answer.format(n=value)}}}$."
        items.append(Item(str(n), gold.format(n=value), text))
    return items


def ours(items: list[Item], workers: int) -> tuple[list[str], float]:
    """Statuses and seconds, with workers that are already running and nothing remembered."""
    with Verifier(workers=workers) as verifier:
        list(verifier.verify(WARM_UP))
        started = time.perf_counter()
        verdicts = list(verifier.verify(items))
        return [v.status for v in verdicts], time.perf_counter() - started


def timed(function: Callable[[list[Item]], list[bool]], items: list[Item]) -> tuple[list[bool], float]:
    """The results and the seconds they took."""
    started = time.perf_counter()
    return function(items), time.perf_counter() - started


def speed(name: str, items: list[Item], plain_count: int, rounds: int, workers: int) -> None:
    """Pairs per second of both, taking turns, and every verdict that differs."""
    few = items[:: max(1, len(items) // plain_count)][:plain_count]
    ratios, fast, slow = [], [], []
    for _ in range(rounds):
        theirs, plain_s = timed(plain, few)
        statuses, ours_s = ours(items, workers)
        slow.append(len(few) / plain_s)
        fast.append(len(items) / ours_s)
        ratios.append(fast[-1] / slow[-1])
    mine = {item.key: status for item, status in zip(items, statuses, strict=True)}
    print(
        f"{name}: {statistics.median(fast):,.0f} pairs/s, plain {statistics.median(slow):,.0f} pairs/s: "
        f"{statistics.median(ratios):.0f} x ({min(ratios):.0f} to {max(ratios):.0f} in {rounds} rounds)"
    )
    differing = [(i, t) for i, t in zip(few, theirs, strict=True) if t != (mine[i.key] == "correct")]
    print(f"    verdicts that differ from plain: {len(differing)} of {len(few)}")
    for item, theirs_says in differing[:40]:
        print(
            f"      gold {item.gold[-40:]!r}, text ends {item.text[-50:]!r}: {mine[item.key]}, plain says {theirs_says}"
        )


def accuracy(workers: int) -> None:
    """The labelled cases: ours and plain."""
    cases = load_cases()
    items = [Item(str(n), case.gold, case.response) for n, case in enumerate(cases)]
    truth = [case.status == "correct" for case in cases]
    for name, said in (
        ("pairforge", [status == "correct" for status in ours(items, workers)[0]]),
        ("plain math-verify", plain(items)),
    ):
        right = sum(a == b for a, b in zip(said, truth, strict=True))
        false_positive = sum(a and not b for a, b in zip(said, truth, strict=True))
        negatives = truth.count(False)
        print(
            f"{name:>18}: {right / len(cases):6.1%} of {len(cases)} cases; {false_positive} false positives in "
            f"{negatives} negatives, {len(cases) - right - false_positive} false negatives"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, help="JSON lines with `answer` and a list `samples` for workload (b)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(f"verifier {VERIFIER_VERSION}, {options.workers} workers; {machine()}; {date.today():%B %Y}")
    accuracy(options.workers)
    speed("(a) integers", integers(4000), 300, options.rounds, options.workers)
    source = "real samples" if options.samples else "made from the labelled cases"
    speed(
        f"(b) MATH, 8 samples a problem, {source}", math_samples(options.samples), 200, options.rounds, options.workers
    )
    speed("(c) 30k characters", long_texts(600), 90, options.rounds, options.workers)


if __name__ == "__main__":
    main()
