"""ThinkPO in miniature, end to end, by pairforge's own commands.

    OMP_NUM_THREADS=1 python recipes/nano/study.py [--out runs/nano-study] [--jobs 2] [--full] [--tiny]

A nano reasoner is fine-tuned on long solutions; pairs are built; every arm trains the reasoner on its own view of the
same samples; all models answer the held-out problems. Every step is a `pairforge` command, printed with its time, its
output in OUT/logs. It resumes: give the same command again after an interruption. The table and figure end up in
OUT/README.md and OUT/figure.svg.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import subprocess
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from make_problems import bundled_keys
from problems import KINDS, LEVELS, WordProblem, draw_problem

if TYPE_CHECKING:
    from pairforge.run import Run

HERE = Path(__file__).resolve().parent
RECIPE = HERE / "study.yaml"


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the study is. `draws` are answers per question, model and seed in the evaluation."""

    problems: int = 960
    sft_rows: int = 320
    sft_steps: int = 20
    steps: int = 100
    band: int = 200
    questions: int | None = None
    draws: int = 2


TINY = Scale(problems=32, sft_rows=32, sft_steps=2, steps=2, band=8, questions=8, draws=1)
SFT = ("train.method=sft", "train.learning_rate=2e-5")
GRID = {"train.beta": "0.01,0.1,1", "train.learning_rate": "4e-6,1e-5"}


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to go on training the reasoner: rules of its view, and arguments of `pairforge train`.

    Arms that are `core` run on every seed, the others on the first. `vary` is a grid: one model per combination.
    """

    name: str
    rules: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    vary: Mapping[str, str] = field(default_factory=dict)
    core: bool = False


def arms(scale: Scale) -> list[Arm]:
    """The arms of the study. They differ from `thinkpo` in one thing each."""
    bands = [
        Arm(f"gap-{size}", (f"filter.band.keep={keep}", "filter.band.by=gap", f"filter.band.n={scale.band}"))
        for size, keep in (("small", "smallest"), ("middle", "middle"), ("large", "largest"))
    ]
    return [
        Arm("thinkpo", core=True),
        Arm("more-sft", train=SFT, core=True),
        Arm("random-pairs", ("filter.control=random_pairs",), core=True),
        Arm("reversed", ("filter.control=reversed",), core=True),
        *bands,
        Arm("grid", vary=GRID),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/nano-study"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time, one core each (OMP_NUM_THREADS=1)")
    parser.add_argument("--full", action="store_true", help="every arm on every seed, not the core arms alone")
    parser.add_argument("--tiny", action="store_true", help="a few minutes that only show that everything runs")
    parser.add_argument("--only", action="append", help="these arms only (repeatable)")
    options = parser.parse_args()
    scale = TINY if options.tiny else Scale()
    started = time.monotonic()
    chosen = [a for a in arms(scale) if not options.only or a.name in options.only]
    todo = [(s, a) for s in range(options.seeds) for a in chosen if a.core or options.full or s == 0]
    todo.sort(key=lambda one: not one[1].core)  # what the study is about first
    study(options.out, scale, todo, options.jobs)
    print(f"{(time.monotonic() - started) / 60:.1f} minutes in this sitting")


def study(out: Path, scale: Scale, todo: Sequence[tuple[int, Arm]], jobs: int) -> None:
    """All steps in order; the report last."""
    out.mkdir(parents=True, exist_ok=True)
    problems, sft = write_problems(out, scale)
    reasoner, pairs = out / "reasoner", out / "pairs"
    pairforge(out, "build", RECIPE, "--run", pairs, *sets([f"sources.0.dataset={problems}"]))
    block = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))["train"]
    shared = [
        f"train.{key}={value}" for key, value in block.items() if key not in ("beta", "learning_rate", "max_steps")
    ]
    pairforge(out, "train", sft, "--out", reasoner, *sets([*shared, *SFT, f"train.max_steps={scale.sft_steps}"]))
    for seed, arm in todo:
        make_view(out, pairs, arm, seed)
    with ThreadPoolExecutor(jobs) as pool:
        trained = list(pool.map(lambda one: train_arm(out, pairs, reasoner, one[1], one[0], scale), todo))
    models: dict[int, list[Path]] = {}
    for (seed, _), made in zip(todo, trained, strict=True):
        models.setdefault(seed, [reasoner]).extend(made)
    for seed, asked in models.items():
        evaluation = ["--samples", scale.draws, "--seed", seed, "--max-tokens", 600, "--run", pairs]
        evaluation += ["--limit", scale.questions] if scale.questions else []
        named = [part for model in asked for part in ("--model", model)]
        pairforge(out, "eval", *named, "--benchmark", "demo", "--out", out / f"eval-{seed}", *evaluation)
    report(out, models)


def make_view(out: Path, pairs: Path, arm: Arm, seed: int) -> None:
    """The view of one arm on one seed (the seed picks among a problem's samples)."""
    name = f"{arm.name}-{seed}"
    if not (pairs / "views" / name / "view.json").exists():
        pairforge(out, "filter", pairs, "--view", name, *sets([f"seed={seed}", *arm.rules]))


def train_arm(out: Path, pairs: Path, reasoner: Path, arm: Arm, seed: int, scale: Scale) -> list[Path]:
    """Train the model of one arm on one seed, or the models of a grid; their folders."""
    folder = out / f"seed-{seed}" / arm.name
    arguments = [f"train.max_steps={scale.steps}", f"train.seed={seed}", f"train.data_seed={seed}", *arm.train]
    vary = [part for key, values in arm.vary.items() for part in ("--vary", f"{key}={values}")]
    where = ["--view", f"{arm.name}-{seed}", "--model", reasoner, "--out", folder]
    pairforge(out, "train", pairs, *where, *sets(arguments), *vary)
    return sorted(p for p in folder.iterdir() if p.is_dir()) if vary else [folder]


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


def pairforge(out: Path, *arguments: object) -> None:
    """Run one command, its output in a file of OUT/logs; the study ends where it fails."""
    words = [str(a) for a in arguments]
    line = f"pairforge {shlex.join(words)}"
    log = out / "logs" / f"{words[0]}-{zlib.crc32(line.encode()):08x}.log"
    log.parent.mkdir(exist_ok=True)
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as file:
        command = [sys.executable, "-m", "pairforge", *words]
        done = subprocess.run(command, check=False, stdout=file, stderr=subprocess.STDOUT)
    print(f"$ {line}\n  {time.monotonic() - started:.0f} s, {log}", flush=True)
    if done.returncode:
        sys.exit("\n".join(log.read_text(encoding="utf-8").splitlines()[-20:]))


def report(out: Path, models: dict[int, list[Path]]) -> None:
    """The pooled table and figure over seeds, the two styles in the answers, then each seed on its own."""
    from pairforge.evaluate.answers import read_answers
    from pairforge.evaluate.comparison import Comparison, compare, corrected, draw, markdown
    from pairforge.evaluate.scoring import token_budgets

    runs = {seed: {m.name: evidence(out, seed, m) for m in asked} for seed, asked in models.items()}
    found = {seed: {name: read_answers(run) for name, run in by_model.items()} for seed, by_model in runs.items()}
    names = list(dict.fromkeys(name for by_model in found.values() for name in by_model))
    seeds_of = {name: [seed for seed, by_model in found.items() if name in by_model] for name in names}
    budgets = token_budgets([a for by_model in found.values() for answers in by_model.values() for a in answers])
    rows = []
    for name in names:  # an arm's seeds together, each against the reasoner of the same seed
        both = {n: [found[seed][n] for seed in seeds_of[name]] for n in (names[0], name)}
        row = compare({"demo-eval": both}, budgets=budgets).rows[-1]
        rows.append(replace(row, model=f"{name} ({counted(len(seeds_of[name]))})"))
    adjusted = iter(corrected([row.change for row in rows if row.change]))
    comparison = Comparison([replace(row, change=next(adjusted)) if row.change else row for row in rows])
    styles = [style_line(name, [runs[seed][name] for seed in seeds_of[name]]) for name in names]
    text = ["# ThinkPO in miniature", "", markdown(comparison), "## The two styles", "", *STYLE_HEAD, *styles, ""]
    text += ["## Each seed", ""]
    for seed, by_model in found.items():
        core = {n: [by_model[n]] for n in names if n in by_model and len(seeds_of[n]) == len(found)}
        text += [f"Seed {seed}:", "", markdown(compare({"demo-eval": core}))]
    (out / "README.md").write_text("\n".join(text), encoding="utf-8")
    draw(comparison, out / "figure.svg", "ThinkPO in miniature: nano model, held-out problems")
    print(f"\n{text[2]}\n{out}/README.md, {out}/figure.svg")


def counted(seeds: int) -> str:
    return f"{seeds} seed" if seeds == 1 else f"{seeds} seeds"


def evidence(out: Path, seed: int, model: Path) -> Run:
    """The run that holds a model's answers of one seed."""
    from pairforge.evaluate.answers import folder
    from pairforge.run import Run

    return Run(folder(out / f"eval-{seed}", "demo", str(model)))


STYLE_HEAD = ("| model | answers in steps, % | right in steps, % | right at once, % |", "|---|---|---|---|")


def style_line(name: str, runs: Sequence[Run]) -> str:
    """How often a model works in steps (the long style ends in a check), and how often either style is right."""
    right: dict[bool, list[bool]] = {True: [], False: []}
    for run in runs:
        statuses = {verdict.sample_key: verdict.status for verdict in run.each_verdict()}
        for sample in run.sampled():
            right["Let me check" in sample.text].append(statuses.get(sample.key) == "correct")
    steps, once = right[True], right[False]
    shares = (len(steps) / (len(steps) + len(once)), *(sum(r) / len(r) if r else float("nan") for r in (steps, once)))
    return f"| {name} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |"


if __name__ == "__main__":
    main()
