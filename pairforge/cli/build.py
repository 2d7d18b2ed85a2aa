"""Commands that make evidence: demo, check, build, sample, verify."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pairforge.cli import app
from pairforge.cli.console import (
    JsonOption,
    RunArgument,
    SetOption,
    outcome,
    print_json,
    print_summary,
    progress,
    stdout,
    this_program,
)

if TYPE_CHECKING:
    from pairforge.pipeline.outlook import Outlook
    from pairforge.recipe import Recipe

RecipeArgument = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe file (YAML).")]
ExtendOption = Annotated[
    bool, typer.Option("--extend", help="Let changed settings add problems, draws or longer budgets to the run.")
]
RunOption = Annotated[Path | None, typer.Option("--run", help="The run directory (default: runs/<recipe name>).")]


@app.command("build")
def build_command(
    recipe: RecipeArgument,
    run: RunOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
    extend: ExtendOption = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Move the existing run aside and start over.")] = False,
) -> None:
    """Build a run from a recipe, or resume it: sample, verify, and make pairs."""
    from pairforge.pipeline import build
    from pairforge.recipe import load_recipe

    path = run or Path("runs") / recipe.stem
    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        loaded = load_recipe(recipe, overrides or [])
        if not fresh:
            print_replaced(path, loaded)
        summary = build(loaded, path, extend=extend, fresh=fresh, progress=show)
    if as_json:
        print_json(summary.to_json())
    else:
        print_summary(summary)


def print_replaced(path: Path, recipe: Recipe) -> None:
    """Say which rules of the default view change, before it is made again."""
    from pairforge.pipeline.view_list import DEFAULT, in_words, replaced_rules
    from pairforge.run import find_run

    found = find_run(path)
    changed = replaced_rules(found, DEFAULT, recipe) if found else {}
    if changed:
        shown = ", ".join(
            f"{key}: {in_words(there)} -> {in_words(here)}" for key, (there, here) in list(changed.items())[:6]
        )
        print(
            f"note: this replaces the view '{DEFAULT}' of {path} ({shown}); "
            f"`pairforge filter {path} --view NAME --set ...` makes another view beside it",
            file=sys.stderr,
        )


@app.command("demo")
def demo_command(run: RunOption = None, as_json: JsonOption = False) -> None:
    """Build a small dataset with the bundled problems and the bundled model: no GPU, no network, a few minutes.

    Without vLLM it takes the samples that come with pairforge, and computes all the rest.
    """
    from importlib.util import find_spec

    from pairforge import demo
    from pairforge.cli.views import print_funnel, print_pairs
    from pairforge.pipeline import build
    from pairforge.pipeline.presampled import build_presampled
    from pairforge.recipe import load_recipe

    path = run or Path("runs/demo")
    recipe = load_recipe(demo.recipe_path())
    with outcome(as_json, resume=f"pairforge demo --run {shlex.quote(str(path))}"), progress() as show:
        if find_spec("vllm") is None:
            print("vLLM is not installed: using the demo samples that come with pairforge", file=sys.stderr)
            summary = build_presampled(recipe, path, demo.samples_path(), progress=show)
        else:
            summary = build(recipe, path, progress=show)
    if as_json:
        print_json(summary.to_json())
        return
    print_pairs(summary.run, summary.view, count=3)
    print_funnel(summary.run, summary.view)
    print_summary(summary)
    print_next_steps(path)


def print_next_steps(path: Path) -> None:
    """Commands to go on with, as they work in this shell."""
    out, program = stdout(), this_program()
    out.print("\nNext:")
    for command, what in (
        (f"show {path}", "the funnel, and a pair side by side"),
        (f"filter {path} --view small-gap --set filter.gap.max=120", "another rule over the same samples"),
        (f"report {path}", "one HTML file with figures and a browser for pairs"),
        (f"train {path} --benchmark demo -k 2", "train and measure before and after: three minutes on a core"),
        ("init my.yaml --from YOUR_DATA", "a recipe for your own data"),
    ):
        out.print(f"  {program} {command}\n      {what}", soft_wrap=True)


@app.command("sample")
def sample_command(
    target: Annotated[str, typer.Argument(metavar="RUN|RECIPE", help="A run, or a recipe file to make one from.")],
    run: RunOption = None,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="K/N", help="Sample one of N shares of the problems (a recipe).")
    ] = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
    extend: ExtendOption = False,
    retry_errors: Annotated[bool, typer.Option("--retry-errors", help="Retry failed requests.")] = False,
) -> None:
    """Generate missing samples, of a run or of one shard of a recipe."""
    from pairforge import pipeline
    from pairforge.recipe import load_recipe
    from pairforge.run import open_run

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        settings = [*(overrides or []), *([f"shard={shard}"] if shard else [])]
        if Path(target).is_file():
            recipe, path = load_recipe(target, settings), run or shard_path(Path(target), shard)
        elif run is None and shard is None:
            opened = open_run(target)
            recipe, path = pipeline.run_recipe(opened, settings), opened.path
        else:
            raise typer.BadParameter(f"--run and --shard belong to a recipe file, and {target} is none")
        session = pipeline.prepare(recipe, path, extend=extend, progress=show)
        pipeline.sample(session, extend=extend, retry_errors=retry_errors)
        pipeline.verify(session)
        counts = pipeline.evidence_counts(session)
    print_json(counts) if as_json else print_counts(counts)


def shard_path(recipe: Path, shard: str | None) -> Path:
    """Where a recipe is sampled by default: runs/long, and runs/long-3-of-16 for a shard."""
    return Path("runs") / (f"{recipe.stem}-{shard.replace('/', '-of-')}" if shard else recipe.stem)


@app.command("merge")
def merge_command(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs of one recipe, usually its shards.")],
    into: Annotated[Path, typer.Option("--into", help="The run directory that takes them in.")],
    as_json: JsonOption = False,
) -> None:
    """Join runs of one recipe that were sampled on several machines. Doing it again changes nothing."""
    from pairforge import pipeline

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])):
        merged = pipeline.merge(runs, into)
    if as_json:
        print_json(merged.to_json())
        return
    out = stdout()
    out.print(f"{merged.run}, from {', '.join(merged.shards)}", soft_wrap=True)
    out.print(f"{merged.problems:,} problems ({merged.new_problems:,} new)")
    out.print(f"{merged.samples:,} solutions ({merged.new_samples:,} new)")
    if merged.missing:
        out.print(f"missing shards: {', '.join(merged.missing)}. Merge them into {merged.run} when they are there")


@app.command("plan")
def plan_command(
    recipe: RecipeArgument,
    run: RunOption = None,
    overrides: SetOption = None,
    pilot: Annotated[
        int, typer.Option("--pilot", min=0, help="Sample this many problems, then estimate the rest.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Estimate the sampling cost of a recipe. A pilot's samples are kept and used."""
    from pairforge.pipeline.outlook import outlook
    from pairforge.recipe import load_recipe

    path = run or Path("runs") / recipe.stem
    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        seen = outlook(load_recipe(recipe, overrides or []), path, pilot=pilot, progress=show)
    print_json(seen.to_json()) if as_json else print_outlook(seen)


@app.command("verify")
def verify_command(
    run: RunArgument,
    as_json: JsonOption = False,
    again: Annotated[bool, typer.Option("--again", help="Verify every sample again.")] = False,
) -> None:
    """Verify the samples that this version of the verifier has not checked."""
    from pairforge import pipeline

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        session = pipeline.open_session(run, progress=show)
        pipeline.verify(session, again=again)
        counts = pipeline.evidence_counts(session)
    print_json(counts) if as_json else print_counts(counts)


@app.command("check")
def check_command(
    recipe: RecipeArgument,
    overrides: SetOption = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many rows to read per source.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """Check a recipe without sampling: sources, ground truth, prompts, context length, chat template."""
    from pairforge.pipeline.check import check
    from pairforge.recipe import load_recipe

    with outcome(as_json), progress() as show:
        report = check(load_recipe(recipe, overrides or []), rows=rows, progress=show)
    if as_json:
        print_json(report.to_json())
    else:
        print_check(report.to_json())
    if not report.ok:
        raise typer.Exit(1)


def print_outlook(seen: Outlook) -> None:
    """What is known, then what the pilot says, each with its interval."""
    out = stdout()
    out.print(
        f"{seen.problems:,} problems, {seen.drawable:,} can be paired by sampling, {seen.problems_to_draw:,} still to "
        "sample"
    )
    out.print(f"at most {seen.most_tokens:,} tokens; {seen.budget_limited:,} problems have a budget set by a rule")
    if seen.forecast is None:
        out.print("for an estimate, add --pilot 50 (its samples are kept and used)")
        return
    out.print(f"expected, from {seen.forecast.piloted} problems (95 % interval):")
    rows = {"accepted problems": "accepted", "draws": "draws", "tokens": "tokens", "seconds": "seconds"}
    for label, name in {**rows, "bytes on disk": "disk_bytes"}.items():
        estimate = getattr(seen.forecast, name)
        if estimate is None:
            out.print(f"  {label:<18} {'unknown':>14}")
            continue
        out.print(f"  {label:<18} {estimate.value:>14,.0f}   ({estimate.low:,.0f} to {estimate.high:,.0f})")
    if seen.forecast.seconds is not None:
        out.print("seconds are at the pilot's rate; requests in larger numbers go faster")
    if len(seen.forecast.by_max_draws) > 1:
        out.print("what each further draw buys (the pilot under a smaller draws.max):")
        for limit in seen.forecast.by_max_draws:
            each = f"{limit.tokens_each:,.0f} tokens" if limit.tokens_each is not None else "nothing accepted"
            out.print(f"  draws.max {limit.max_draws:<8} {limit.accepted_share:>14.0%}   {each} per accepted problem")
        out.print("where fewer pairs will do, draws.enough says how many: sampling ends there")
    if len(seen.arms) > 1:
        print_arms(seen)


def print_arms(seen: Outlook) -> None:
    """The part of each arm, and the tokens of each order of the arms."""
    out = stdout()
    out.print("by arm:")
    for name, arm in seen.arms.items():
        expected = f", {arm.forecast.tokens.value:,.0f} expected" if arm.forecast else ""
        out.print(
            f"  {name:<18} {arm.problems_to_draw:,} problems to draw at most, {arm.most_tokens:,} tokens{expected}"
        )
    if not seen.orders:
        return
    out.print("tokens of each order of the arms, the cheapest first:")
    for cost in seen.orders:
        seconds = f", {cost.seconds:,.0f} s" if cost.seconds is not None else ""
        mark = "   as in the recipe" if cost.order == tuple(seen.arms) else ""
        out.print(f"  {', '.join(cost.order):<30} {cost.tokens:>14,.0f}{seconds}{mark}", soft_wrap=True)
    out.print("(as if what one arm solves said nothing about another, and with the pilot's budgets)")


def print_counts(counts: dict[str, int]) -> None:
    """A short table of the evidence."""
    for name, value in counts.items():
        stdout().print(f"{name:>12} {value:,}")


def print_check(report: dict[str, object]) -> None:
    """One line per check, then the prompt for the eye."""
    out = stdout()
    checks = report["checks"]
    for item in checks if isinstance(checks, list) else []:
        out.print(f"{'ok  ' if item['ok'] else 'FAIL'} {item['name']}: {item['detail']}", soft_wrap=True)
    prompts = report["prompts"]
    for arm, prompt in prompts.items() if isinstance(prompts, dict) else ():
        out.print(f"\nprompt of {arm}:\n{prompt}", soft_wrap=True)
