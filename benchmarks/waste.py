"""Tokens per accepted problem: fixed n=4 and n=1 against draws until accepted with budgets from the rule.

    python -m benchmarks.waste            # the demo's problems, the demo's rule, the bundled nano model
    python -m benchmarks.waste --both-sides   # recipes/both-sides.yaml: the same model under two prompts, two arms
    python -m benchmarks.waste --natural-model MODEL --natural-problems FILE [--natural-run RUN]

Each problem is drawn four times at full budget, once, by the real engine. Then the real plan, verifier and loop run
over these draws under each setting, with an engine that replays them: a draw costs what it cost, or its budget where
that cuts it. So every setting sees the same luck. Figures are means over the problems, with the bootstrap's 95 %
interval for the ratio (problems resampled).

The last line compares at the same number of accepted problems where there are more problems than pairs are needed:
n=4 on half of the problems against `draws.enough` set to what that accepted, on all of them.

`FILE` holds `question`, `answer` and `long` a line, as recipes/gsm8k-local.yaml reads it. `RUN` keeps the natural
draws (they take an hour on two cores), so that a second call goes on, or only replays.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks._machine import machine
from pairforge import demo, lengths
from pairforge.filters.target import Facts
from pairforge.generator import Completion, Drawn, Plan, Request, Task
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.generator.forecast import Piloted
from pairforge.pipeline import Session, prepare, sample, sampling, verify
from pairforge.pipeline.outlook import pilot_results
from pairforge.pipeline.sampling_plan import begin
from pairforge.recipe import Recipe, load_recipe
from pairforge.records import Sample
from pairforge.run import Run

FOUR = ("generator.draws.min=4", "generator.draws.max=4", "generator.draws.until=max")
FULL = ("generator.budget=full", *FOUR)
CUT = "n=4, budgets from the rule"  # not a setting of interest: what any order of draws is replayed from
SETTINGS: dict[str, tuple[str, ...]] = {
    "n=4": FULL,
    "n=1, the paper's": ("generator.budget=full", "generator.draws.max=1", "generator.draws.until=max"),
    CUT: FOUR,
    "until accepted, full budgets": ("generator.budget=full", "generator.draws.max=4"),
    "until accepted, budgets from the rule": ("generator.draws.max=4",),
    "the same, at most 2 draws": ("generator.draws.max=2",),
    "the same, at most 1 draw": ("generator.draws.max=1",),
}
BOTH = {
    "n=4": FULL,
    "n=1": ("generator.budget=full", "generator.draws.max=1", "generator.draws.until=max"),
    "until accepted, full budgets": ("generator.budget=full", "generator.draws.max=4"),
    "until accepted, budgets from the rule": ("generator.draws.max=4",),
    "until accepted, budgets from the rule, other order": ("generator.draws.max=4",),
}


NOTHING = Piloted((), None, 0)


def both_sides() -> None:
    """The waste of two arms that write the two sides, and of their other order."""
    file = Path("recipes/both-sides.yaml")
    settings = {name: in_both_arms(own) for name, own in BOTH.items()}
    with tempfile.TemporaryDirectory() as folder:
        first = run_of(load_recipe(file, settings["n=4"]), Path(folder) / "fixed")
        draws = {s.key.rsplit("/", 1)[0]: s for s in first.sampled()}
        costs = {}
        for number, (name, own) in enumerate(settings.items()):
            recipe = load_recipe(file, own)
            if name.endswith("other order"):
                recipe = recipe.model_copy(update={"generators": dict(reversed(recipe.generators.items()))})
            with replayed(draws, recipe):
                costs[name] = problem_costs(recipe, run_of(recipe, Path(folder) / f"replay{number}"))
    for name, cost in costs.items():
        print(line(name, cost, costs["n=4"]), flush=True)


def in_both_arms(own: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key.replace("generator.", f"generators.{arm}.") for arm in ("short", "long") for key in own)


def waste(recipe_file: Path, overrides: tuple[str, ...], kept: Path | None) -> None:
    """Draw once, replay under each setting, print."""
    with tempfile.TemporaryDirectory() as folder:
        first = run_of(load_recipe(recipe_file, [*overrides, *FULL]), kept or Path(folder) / "fixed")
        draws = {s.key.rsplit("/", 1)[0]: s for s in first.sampled()}
        costs = {}
        for number, (name, own) in enumerate(SETTINGS.items()):
            recipe = load_recipe(recipe_file, [*overrides, *own])
            with replayed(draws, recipe):
                costs[name] = problem_costs(recipe, run_of(recipe, Path(folder) / f"replay{number}"))
    cut = costs.pop(CUT)
    for name, cost in costs.items():
        print(line(name, cost, costs["n=4"]), flush=True)
    print(enough_line(cut, costs["n=4"]), flush=True)


def run_of(recipe: Recipe, path: Path) -> Run:
    """The sampled and judged run of a recipe."""
    session = prepare(recipe, path)
    sample(session)
    verify(session)
    return session.run


@contextlib.contextmanager
def replayed(draws: Mapping[str, Sample], recipe: Recipe) -> Iterator[None]:
    """Let the pipeline's engines replay the draws (by their keys without the budget), cut where a budget is smaller
    than what they used. All arms have one model."""
    block = next(iter(recipe.arms.values()))
    tokenizer = lengths.load_tokenizer(demo.resolve(block.engine.model))

    def answer(request: Request) -> Completion:
        drawn = draws[request.key.rsplit("/", 1)[0]]
        if drawn.sampled_tokens <= request.max_tokens:
            return Completion(request.key, drawn.text, drawn.sampled_tokens, drawn.finish_reason)
        ids = tokenizer.encode(drawn.text, add_special_tokens=False)
        return Completion(request.key, tokenizer.decode(ids[: request.max_tokens]), request.max_tokens, "length")

    real = sampling.open_engine
    sampling.open_engine = lambda *_: ScriptedEngine(answer, window=64)  # type: ignore[assignment]
    try:
        yield
    finally:
        sampling.open_engine = real


def problem_costs(recipe: Recipe, run: Run) -> dict[str, Piloted]:
    """The cost of every problem that could be paired at all."""
    session = Session(recipe, run)
    return pilot_results(session, begin(session))


def line(name: str, costs: Mapping[str, Piloted], fixed: Mapping[str, Piloted]) -> str:
    tokens, draws = sum(c.tokens for c in costs.values()), sum(c.draws for c in costs.values())
    accepted = sum(c.accepted for c in costs.values())
    problems = sorted(fixed)
    rng = random.Random(0)
    ratios = sorted(ratio(costs, fixed, rng.choices(problems, k=len(problems))) for _ in range(1000))
    return (
        f"{name}: {draws:,} draws, {tokens:,} tokens, {accepted} of {len(problems)} problems accepted, "
        f"{tokens / max(accepted, 1):,.1f} tokens each, {ratio(costs, fixed, problems):.2f} "
        f"({ratios[25]:.2f} to {ratios[974]:.2f}) of n=4"
    )


def enough_line(cut: Mapping[str, Piloted], fixed: Mapping[str, Piloted]) -> str:
    """The same number of accepted problems: n=4 on half of the problems, and `draws.enough` on all of them."""
    rng = random.Random(0)
    problems = sorted(fixed)
    ratios, rounds = [], []
    for _ in range(1000):
        order = rng.choices(problems, k=len(problems))
        half = [fixed[problem] for problem in order[: len(order) // 2]]
        enough = sum(p.accepted for p in half)
        if enough:
            tokens, draws = until_enough([cut.get(problem, NOTHING) for problem in order], enough)
            ratios.append(tokens / sum(p.tokens for p in half))
            rounds.append(draws / len(order))
    if not ratios:
        return "enough: nothing was accepted"
    ratios.sort()
    return (
        f"enough, at most 4 draws, budgets from the rule: {median(ratios):.2f} "
        f"({ratios[int(0.025 * len(ratios))]:.2f} to {ratios[int(0.975 * len(ratios)) - 1]:.2f}) of n=4 on half of the "
        f"problems, with {median(rounds):.2f} draws a problem"
    )


def until_enough(problems: list[Piloted], enough: int) -> tuple[int, int]:
    """Tokens and draws of the real plan over these problems, until enough are accepted."""
    tasks = [Task(str(place), "", 1, "") for place, problem in enumerate(problems) if problem.draw_tokens]

    def accept(problem_id: str, facts: Sequence[Facts]) -> bool:
        needed = problems[int(problem_id)].accepted_after
        return needed is not None and len(facts) >= needed

    plan = Plan(tasks, run_seed=0, max_draws=4, accept=accept, enough=enough)
    tokens = draws = 0
    while (request := plan.next()) is not None:
        tokens += problems[int(request.problem_id)].draw_tokens[request.draw]
        draws += 1
        plan.done(Drawn(request.problem_id, request.draw, request.max_tokens, Facts("sampled", "correct", None)))
    return tokens, draws


def ratio(costs: Mapping[str, Piloted], fixed: Mapping[str, Piloted], problems: list[str]) -> float:
    """Tokens per accepted problem over the same for n=4. A problem without a task (no budget) costs nothing."""

    def each(table: Mapping[str, Piloted]) -> float:
        rows = [table.get(problem, NOTHING) for problem in problems]
        return sum(r.tokens for r in rows) / max(sum(r.accepted for r in rows), 1)

    return each(costs) / each(fixed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--both-sides", action="store_true", help="two arms write the two sides")
    parser.add_argument("--natural-model", help="a small instruct model, in a folder")
    parser.add_argument("--natural-problems", type=Path, help="natural problems with long solutions (JSON lines)")
    parser.add_argument("--natural-run", type=Path, help="the run directory that keeps the natural draws")
    args = parser.parse_args()
    print(f"waste: {machine()}, {date.today():%B %Y}")
    if args.both_sides:
        print("demo problems without their solutions, nano model under two prompts; draws for every arm")
        both_sides()
        return
    if args.natural_model and args.natural_problems:
        print(f"natural problems: {args.natural_problems.name}, {Path(args.natural_model).name}")
        own = (
            f"sources.0.dataset={args.natural_problems.resolve()}",
            *(f"{key}={args.natural_model}" for key in ("generator.engine.model", "filter.tokenizer")),
            "generator.engine.max_num_seqs=64",
        )
        waste(Path("recipes/gsm8k-local.yaml"), own, args.natural_run)
        return
    print("demo problems, nano model")
    waste(demo.recipe_path(), (), None)
    print("natural problems: skipped, they need --natural-model and --natural-problems")


if __name__ == "__main__":
    main()
