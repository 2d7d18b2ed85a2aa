"""Commands over finished evidence: filter, sweep, diff, show, report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pairforge.cli import app
from pairforge.cli.console import (
    JsonOption,
    RunArgument,
    SetOption,
    ViewOption,
    outcome,
    plain,
    print_json,
    print_summary,
    progress,
    stdout,
)

if TYPE_CHECKING:
    from pairforge.run import ViewRecord


@app.command("filter")
def filter_command(
    run: RunArgument, view: ViewOption = "default", overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Make a view: apply other rules to the same samples."""
    from pairforge import pipeline
    from pairforge.run import read_view

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        session = pipeline.open_session(run, overrides or [], show)
        pipeline.make_view(session, view)
        summary, record = pipeline.summarise(session, view), read_view(session.run, view)
    if as_json:
        print_json(summary.to_json() | record.model_dump(mode="json", include={"undecided", "shortfall", "notes"}))
        return
    print_summary(summary)
    print_undecided(record, run, overrides or [])


def print_undecided(record: ViewRecord, run: str, overrides: list[str]) -> None:
    """What the rules asked for and did not get, and the command that draws what an earlier target left out."""
    out = stdout()
    for sentence in (*record.shortfall, *record.notes):
        out.print(plain(f"note: {sentence}"))
    for sentence in (*record.undecided.sentences(), *(one.sentence() for one in record.difficulty)):
        out.print(plain(f"note: {sentence}"), soft_wrap=True)
    if record.undecided.problems:
        sets = [word for override in overrides for word in ("--set", override)]
        command = shlex.join(["pairforge", "sample", run, "--extend", *sets])
        out.print(plain(f"Draw them with:\n  {command}"), soft_wrap=True)


@app.command("views")
def views_command(run: RunArgument, as_json: JsonOption = False) -> None:
    """List the views of a run: pairs, digest, and how their rules differ from the default view's; and its sweeps."""
    from rich.table import Table

    from pairforge.pipeline.view_list import listed_views
    from pairforge.run import open_run
    from pairforge.run.sweep_ledger import sweep_records

    with outcome(as_json):
        opened = open_run(run)
        found, sweeps = listed_views(opened), sweep_records(opened)
    if as_json:
        made = [{"number": s.number, "date": s.date, "arms": len(s.arms), "overrides": s.overrides} for s in sweeps]
        print_json({"views": [view.to_json() for view in found], "sweeps": made})
        return
    table = Table("view", "pairs", "problems", "digest", "differs from default", box=None)
    for view in found:
        table.add_row(
            plain(view.view), f"{view.pairs:,}", f"{view.problems:,}", view.digest, plain(view.words() or "-")
        )
    out = stdout()
    out.print(table)
    for record in sweeps:
        keys = ", ".join(dict.fromkeys(key for arm in record.arms for key in arm.row["settings"]))
        out.print(plain(f"sweep {record.number} ({record.date}): {len(record.arms)} arms over {keys}"), soft_wrap=True)


@app.command("diff")
def diff_command(
    run: RunArgument,
    view_a: Annotated[str, typer.Argument(metavar="VIEW_A")],
    view_b: Annotated[str, typer.Argument(metavar="VIEW_B")],
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="How many problems to list.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Compare two views: the problems that differ, and why."""
    from pairforge.pipeline import experiments
    from pairforge.run import open_run

    with outcome(as_json):
        found = experiments.diff_views(open_run(run), view_a, view_b)
    names = {"only_a": f"only in {view_a}", "only_b": f"only in {view_b}", "other_pairs": "other pairs"}
    if as_json:
        rows = [row | {"kind": names[row["kind"]]} for row in found.problems.to_dicts()]
        print_json({"same": found.same, "neither": found.neither, "problems": rows})
        return
    from rich.table import Table

    out = stdout()
    out.print(f"{found.same:,} problems have the same pairs in both, {found.neither:,} have none in either")
    summary = Table("", "reason in the other view", "problems")
    for row in found.counts().iter_rows(named=True):
        summary.add_row(plain(names[row["kind"]]), plain(row["reason"] or ""), f"{row['problems']:,}")
    out.print(summary)
    for row in found.problems.head(count).iter_rows(named=True):
        out.print(plain(f"{row['problem_id']}  {names[row['kind']]}: {row['reason']}, {row['detail']}"), soft_wrap=True)


@app.command("report")
def report_command(
    run: RunArgument,
    view: ViewOption = "default",
    out: Annotated[Path | None, typer.Option("--out", help="The HTML file (default: in the view's folder).")] = None,
) -> None:
    """Write a view's report: one HTML file, and the figures as SVG and PNG."""
    from pairforge.pipeline.reporting import make_report
    from pairforge.run import open_run

    with outcome(False), progress() as show:
        file = make_report(open_run(run), view, out=out, progress=show)
    stdout().print(f"{file}  ({file.stat().st_size / 1e6:.1f} MB)", soft_wrap=True)


@app.command("show")
def show_command(
    run: RunArgument,
    view: ViewOption = "default",
    pair: Annotated[str | None, typer.Option("--id", help="A pair's or a problem's id (a prefix will do).")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many pairs to show.")] = 1,
    seed: Annotated[int | None, typer.Option("--seed", help="Repeat a random choice.")] = None,
    extremes: Annotated[bool, typer.Option("--extremes", help="The smallest and largest gaps instead.")] = False,
    drops: Annotated[bool, typer.Option("--drops", help="What was dropped, by reason, with examples.")] = False,
) -> None:
    """Show a view: its funnel, and pairs side by side."""
    print_funnel(run, view)
    if drops:
        print_drops(run, view, count=count)
    else:
        print_pairs(run, view, count=count, seed=seed, wanted=pair, extremes=extremes)


def print_drops(run: str, view: str, *, count: int) -> None:
    """Drops by stage and reason, each with examples: the question, and what every rule took."""
    import polars as pl
    from rich.table import Table

    from pairforge.run import open_run

    opened = open_run(run)
    drops = pl.read_parquet(opened.view(view) / "drops.parquet")
    reasons = drops.group_by("stage", "reason").agg(
        pl.len().alias("n"), pl.col("subject", "detail", "counts").head(count)
    )
    questions = dict(opened.problem_table(["id", "question"]).iter_rows())
    out = stdout()
    table = Table("stage", "reason", "problems or rows")
    for row in reasons.sort("n", "reason", descending=[True, False]).iter_rows(named=True):
        table.add_row(plain(row["stage"]), plain(row["reason"]), f"{row['n']:,}")
        for subject, detail, counts in zip(row["subject"], row["detail"], row["counts"], strict=True):
            about = questions.get(subject, "")[:200]
            table.add_row("", plain(subject), plain(f"{about}\n{detail} {counts if counts != '{}' else ''}".strip()))
        table.add_section()
    out.print(table)


def print_funnel(run: str, view: str) -> None:
    """How many candidates and problems each rule left."""
    from rich.table import Table

    from pairforge.run import open_run, read_view

    table = Table("rule", "candidates", "problems")
    for step in read_view(open_run(run), view).funnel:
        table.add_row(step.step, f"{step.candidates:,}", f"{step.problems:,}")
    stdout().print(table)


def print_pairs(
    run: str, view: str, *, count: int, seed: int | None = None, wanted: str | None = None, extremes: bool = False
) -> None:
    """Pairs side by side: random ones, the one whose id was asked for, or those with the extreme gaps."""
    import random

    from pairforge.errors import RunError
    from pairforge.run import open_run, view_pairs

    pairs = view_pairs(open_run(run), view)
    if wanted:
        pairs = [p for p in pairs if p["id"].startswith(wanted) or p["problem_id"].startswith(wanted)]
        if not print_problem(run, view, wanted) and not pairs:
            raise RunError(
                f"view '{view}' of {run} has no pair or problem '{wanted}'", hint=f"pairforge show {run} -n 5"
            )
    elif extremes:
        pairs.sort(key=lambda p: (p["gap_tokens"], p["id"]))
        pairs = pairs[:count] + pairs[max(count, len(pairs) - count) :]
    else:
        pairs = random.Random(seed).sample(pairs, min(count, len(pairs)))
    for pair in pairs:
        print_pair(pair)


def print_problem(run: str, view: str, wanted: str) -> bool:
    """The problem with that id: its end, and what the rules say of every sample. Returns whether there is one."""
    from rich.table import Table

    from pairforge.pipeline.problem_view import problem_view
    from pairforge.run import open_run

    with progress() as show:
        found = problem_view(open_run(run), view, wanted, show)
    if found is None:
        return False
    out = stdout()
    out.rule(plain(f"problem {found.problem_id}"))
    out.print(plain(f"{found.question}\nanswer {found.answer}; {found.ending}"), soft_wrap=True)
    for rules in found.rules:
        if rules.part:
            out.print(plain(f"part {rules.part}"))
        if rules.fails:
            out.print(plain(f"the problem fails: {', '.join(rules.fails)}"))
        table = Table("sample", "verdict", "tokens", "as chosen", "as rejected", box=None)
        for sample in rules.samples:
            says = [", ".join(fails) or "passes" for fails in (sample.chosen, sample.rejected)]
            tokens = "-" if sample.chosen_tokens is None else f"{sample.chosen_tokens:,}"
            table.add_row(*map(plain, (sample.sample_key.partition("/")[2], sample.status, tokens, *says)))
        out.print(table)
        for couple in rules.couples:
            chosen, rejected = (key.partition("/")[2] for key in (couple.chosen_key, couple.rejected_key))
            out.print(plain(f"{chosen} > {rejected}: {', '.join(couple.fails) or 'passes'}"), soft_wrap=True)
    for key, text in found.texts.items():
        out.print(plain(f"\n{key.partition('/')[2]}:\n{text}"))
    return True


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
    part = f"; part {pair['part']}" if pair.get("part") else ""
    out.print(plain(f"answer {pair['answer']}; source {pair['source']}; gap {pair['gap_tokens']} tokens{part}\n"))
