"""ThinkPO in miniature, end to end, by pairforge's own commands.

    python recipes/nano/study.py [--out runs/nano-study] [--full] [--tiny]

A nano reasoner is fine-tuned on long solutions; pairs are built; every arm trains the reasoner on its own view of the
same samples; all models answer the held-out problems. Every step is a `pairforge` command, printed as it starts, and
resumes: give the same command again after an interruption. The table and figure end up in OUT/README.md and
OUT/figure.png.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from make_problems import bundled_keys
from problems import KINDS, LEVELS, WordProblem, draw_problem

HERE = Path(__file__).resolve().parent
RECIPE = HERE / "study.yaml"


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the study is. `draws` are answers per question and model in the evaluation."""

    problems: int = 960
    sft_rows: int = 640
    sft_steps: int = 20
    steps: int = 60
    band: int = 160
    questions: int | None = None
    draws: int = 4


TINY = Scale(problems=32, sft_rows=32, sft_steps=2, steps=2, band=8, questions=8, draws=1)
SFT_RATE, SFT_BATCH = 2e-5, 16


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to go on training the reasoner: rules of its view, and arguments of `pairforge train`."""

    name: str
    rules: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    core: bool = False


def arms(scale: Scale) -> list[Arm]:
    """The arms of the study. Those that are `core` run on every seed, the others on the first."""
    more_sft = ("train.method=sft", f"train.learning_rate={SFT_RATE:.1e}")
    bands = [
        Arm(f"gap-{size}", (f"filter.band.keep={keep}", "filter.band.by=gap", f"filter.band.n={scale.band}"))
        for size, keep in (("small", "smallest"), ("middle", "middle"), ("large", "largest"))
    ]
    grid = [
        Arm(f"beta-{beta}-lr-{rate}", train=(f"train.beta={beta}", f"train.learning_rate={rate}"))
        for beta in ("0.01", "0.1", "0.5")
        for rate in ("1.0e-6", "3.0e-6", "1.0e-5")
        if (beta, rate) != ("0.1", "3.0e-6")  # that one is the thinkpo arm
    ]
    return [
        Arm("thinkpo", core=True),
        Arm("more-sft", train=more_sft, core=True),
        Arm("random-pairs", ("filter.control=random_pairs",), core=True),
        Arm("reversed", ("filter.control=reversed",), core=True),
        *bands,
        *grid,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/nano-study"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="every arm on every seed, not the core arms alone")
    parser.add_argument("--tiny", action="store_true", help="a few minutes that only show that everything runs")
    parser.add_argument("--only", action="append", help="these arms only (repeatable)")
    options = parser.parse_args()
    scale = TINY if options.tiny else Scale()
    started = time.monotonic()
    chosen = [a for a in arms(scale) if not options.only or a.name in options.only]
    study(options.out, scale, chosen, range(options.seeds), options.full)
    print(f"{(time.monotonic() - started) / 60:.1f} minutes in this sitting")


def study(out: Path, scale: Scale, chosen: Sequence[Arm], seeds: Sequence[int], full: bool) -> None:
    """All steps in order; the report last."""
    out.mkdir(parents=True, exist_ok=True)
    problems, sft = write_problems(out, scale)
    reasoner = out / "reasoner"
    sft_arguments = [
        "train.model=pairforge:nano",
        "train.max_length=1024",
        f"train.learning_rate={SFT_RATE:.1e}",
        f"train.global_batch_size={SFT_BATCH}",
        f"train.per_device_train_batch_size={SFT_BATCH}",
        f"train.max_steps={scale.sft_steps}",
        "train.save_strategy=no",
    ]
    pairforge("train", sft, "--method", "sft", "--out", reasoner, *sets(sft_arguments))
    pairs = out / "pairs"
    pairforge("build", RECIPE, "--run", pairs, *sets([f"sources.0.dataset={problems}"]))
    done: dict[int, list[Path]] = {}
    for seed in seeds:
        models = [reasoner]
        for arm in chosen:
            if arm.core or full or seed == seeds[0]:
                models.append(train_arm(out, pairs, reasoner, arm, seed, scale))
        evaluation = ["--samples", scale.draws, "--seed", seed, "--max-tokens", 600, "--run", pairs]
        evaluation += ["--limit", scale.questions] if scale.questions else []
        named = [part for model in models for part in ("--model", model)]
        pairforge("eval", *named, "--benchmark", "demo", "--out", out / f"eval-{seed}", *evaluation)
        done[seed] = models
    report(out, done)


def train_arm(out: Path, pairs: Path, reasoner: Path, arm: Arm, seed: int, scale: Scale) -> Path:
    """One arm on one seed: its view (the seed picks among a problem's samples), then its model."""
    view = f"{arm.name}-{seed}"
    if not (pairs / "views" / view / "view.json").exists():
        pairforge("filter", pairs, "--view", view, *sets([f"seed={seed}", *arm.rules]))
    model = out / f"seed-{seed}" / arm.name
    arguments = [f"train.max_steps={scale.steps}", f"train.seed={seed}", f"train.data_seed={seed}", *arm.train]
    pairforge("train", pairs, "--view", view, "--model", reasoner, "--out", model, *sets(arguments))
    return model


def write_problems(out: Path, scale: Scale) -> tuple[Path, Path]:
    """Fresh problems for the pairs, and others with their long solutions for the fine-tuning. No calculation of the
    bundled files is among them, and none occurs twice."""
    rng, seen = random.Random(7), set(bundled_keys())
    drawn = [_new_problem(rng, seen) for _ in range(scale.problems + scale.sft_rows)]
    pairs, sft = out / "problems.jsonl", out / "sft.jsonl"
    rows = [{"question": p.question, "answer": p.golds[0], "solution": p.long} for p in drawn[: scale.problems]]
    _write(pairs, rows)
    _write(sft, [_conversation(p) for p in drawn[scale.problems :]])
    return pairs.resolve(), sft.resolve()


def _new_problem(rng: random.Random, seen: set[tuple[object, ...]]) -> WordProblem:
    while True:
        problem = draw_problem(rng, rng.choice(list(KINDS)), rng.choice(LEVELS))
        if problem.key not in seen:
            seen.add(problem.key)
            return problem


def _conversation(problem: WordProblem) -> dict[str, object]:
    return {
        "prompt": [{"role": "user", "content": problem.question}],
        "chosen": [{"role": "assistant", "content": problem.long}],
    }


def _write(file: Path, rows: Sequence[dict[str, object]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def sets(overrides: Sequence[str]) -> list[str]:
    """`--set` options."""
    return [part for override in overrides for part in ("--set", override)]


def pairforge(*arguments: object) -> None:
    """Run one command; the study ends where it fails."""
    words = [str(a) for a in arguments]
    print(f"\n$ pairforge {shlex.join(words)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "pairforge", *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def report(out: Path, done: dict[int, list[Path]]) -> None:
    """The pooled table and figure over seeds, then each seed on its own."""
    from pairforge.evaluate.report import compare, draw, markdown
    from pairforge.evaluate.run import folder, read_answers
    from pairforge.run import Run

    found = {
        seed: {m.name: list(read_answers(Run(folder(out / f"eval-{seed}", "demo", str(m))))) for m in models}
        for seed, models in done.items()
    }
    names = list(next(iter(found.values())))
    pooled = {name: [a for by_model in found.values() for a in by_model.get(name, [])] for name in names}
    comparison = compare({"demo-eval": pooled})
    seeds_of = {name: sum(name in by_model for by_model in found.values()) for name in names}
    rows = [replace(row, model=f"{row.model} ({seeds_of[row.model]} seeds)") for row in comparison.rows]
    text = ["# ThinkPO in miniature", "", markdown(replace(comparison, rows=rows)), "## Each seed", ""]
    for seed, by_model in found.items():
        text += [f"Seed {seed}:", "", markdown(compare({"demo-eval": by_model}))]
    (out / "README.md").write_text("\n".join(text), encoding="utf-8")
    draw(comparison, out / "figure.png", "ThinkPO in miniature: nano model, held-out problems")
    print(f"\n{text[2]}\n{out}/README.md, {out}/figure.png")


if __name__ == "__main__":
    main()
