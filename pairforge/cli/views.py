"""Commands over finished evidence: filter, show."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any

import typer

from pairforge.cli import app
from pairforge.cli.build import print_summary
from pairforge.cli.console import (
    JsonOption,
    RunArgument,
    SetOption,
    ViewOption,
    outcome,
    plain,
    print_json,
    progress,
    stdout,
)


@app.command("filter")
def filter_command(
    run: RunArgument, view: ViewOption = "default", overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Apply other rules to the same samples: a new view, in seconds."""
    from pairforge import pipeline
    from pairforge.run import open_run

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        opened = open_run(run)
        pipeline.make_view(pipeline.run_recipe(opened, overrides or []), opened, view, progress=show)
        summary = pipeline.summarise(opened, view)
    print_json(summary.to_json()) if as_json else print_summary(summary)


@app.command("show")
def show_command(
    run: RunArgument,
    view: ViewOption = "default",
    pair: Annotated[str | None, typer.Option("--id", help="A pair's or a problem's id (a prefix will do).")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many random pairs to show.")] = 1,
    seed: Annotated[int | None, typer.Option("--seed", help="Repeat a random choice.")] = None,
) -> None:
    """Show a view: its funnel, and pairs side by side."""
    print_funnel(run, view)
    print_pairs(run, view, count=count, seed=seed, wanted=pair)


def print_funnel(run: str, view: str) -> None:
    """How many candidates and problems each rule left."""
    from rich.table import Table

    from pairforge.run import open_run, read_view

    table = Table("rule", "candidates", "problems")
    for step in read_view(open_run(run), view)["funnel"]:
        table.add_row(str(step["step"]), f"{step['candidates']:,}", f"{step['problems']:,}")
    stdout().print(table)


def print_pairs(run: str, view: str, *, count: int, seed: int | None = None, wanted: str | None = None) -> None:
    """Pairs side by side: random ones, or the one whose id was asked for."""
    import random

    from pairforge.errors import RunError
    from pairforge.run import open_run, view_pairs

    pairs = view_pairs(open_run(run), view)
    if wanted:
        pairs = [p for p in pairs if p["id"].startswith(wanted) or p["problem_id"].startswith(wanted)]
        if not pairs:
            raise RunError(f"view '{view}' of {run} has no pair '{wanted}'", hint=f"pairforge show {run} -n 5")
    else:
        pairs = random.Random(seed).sample(pairs, min(count, len(pairs)))
    for pair in pairs:
        print_pair(pair)


def print_pair(pair: dict[str, Any]) -> None:
    """One pair: the prompt, and its two completions side by side."""
    from rich.table import Table

    out = stdout()
    out.rule(plain(f"pair {pair['id']}"))
    for message in pair["prompt"]:
        out.print(plain(f"{message['role']}: {message['content']}"))
    table = Table(expand=True)
    for side in ("chosen", "rejected"):
        table.add_column(plain(f"{side}, {pair[f'{side}_tokens']} tokens, {pair[f'{side}_status']}"), ratio=1)
    table.add_row(plain(pair["chosen"][0]["content"]), plain(pair["rejected"][0]["content"]))
    out.print(table)
    out.print(plain(f"answer {pair['answer']}; source {pair['source']}; gap {pair['gap_tokens']} tokens\n"))
