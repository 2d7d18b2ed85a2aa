"""The command that gives a run scores, which rules can then name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pairforge.cli import app
from pairforge.cli.console import JsonOption, RunArgument, outcome, plain, print_json, stdout

if TYPE_CHECKING:
    from pairforge.run import Run, ScoreRecord
    from pairforge.scores.join import Joined

By = Literal["sample_key", "problem_id", "question"]  # the type of `scores.join` would load polars for `--help`


@app.command("score")
def score_command(
    run: RunArgument,
    file: Annotated[
        Path | None, typer.Option("--from", help="Join the values of a .jsonl, .csv or .parquet file.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The score's name, by which rules read it.")] = None,
    column: Annotated[
        str | None, typer.Option("--column", help="The file's column with the values (default: the score's name).")
    ] = None,
    by: Annotated[
        By | None, typer.Option("--by", help="What a row is about (default: the first that the file has as a column).")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="The column that holds it, where that has another name.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give solutions or problems a number or a label that rules can name; without options, list what there is."""
    from pairforge.errors import RunError
    from pairforge.run import open_run
    from pairforge.scores.join import join_scores

    with outcome(as_json):
        opened = open_run(run)
        if file is None:
            records = all_scores(opened)
        elif name is None:
            raise RunError("a score needs a name", hint="pairforge score RUN --from FILE --name quality")
        else:
            with opened.lock():
                joined = join_scores(opened, file, name, column=column, by=by, key_column=key)
    if file is None:
        print_json([record.model_dump(mode="json") for record in records]) if as_json else print_scores(run, records)
    else:
        print_json(joined_figures(joined)) if as_json else print_joined(joined)


def all_scores(run: Run) -> list[ScoreRecord]:
    """The records of a run's scores."""
    from pairforge.run import score_names, score_record

    return [score_record(run, name) for name in score_names(run)]


def print_scores(run: str, records: list[ScoreRecord]) -> None:
    """One row per score: what rules call it, and where it comes from."""
    from rich.table import Table

    if not records:
        print(f"{run} has no scores. `pairforge score {run} --from FILE --name quality` joins one")
        return
    table = Table("score", "read in rules as", "kind", "rows", "made from", "digest", box=None)
    for record in records:
        made_from = ", ".join(f"{name} {value}" for name, value in record.made_from.items())
        table.add_row(
            plain(record.name),
            plain(as_named(record)),
            record.kind,
            f"{record.rows:,}",
            plain(made_from),
            record.digest,
        )
    stdout().print(table)


def as_named(record: ScoreRecord) -> str:
    """The columns of a score as rules read them."""
    if record.key == "problem_id":
        return ", ".join(record.columns)
    return ", ".join(f"{side}_{column}" for column in record.columns for side in ("chosen", "rejected"))


def joined_figures(joined: Joined) -> dict[str, Any]:
    """The record and the counts of a joined score, as `--json` prints them."""
    counts = {"possible": joined.possible, "unmatched_examples": list(joined.examples)}
    return joined.record.model_dump(mode="json") | counts


def print_joined(joined: Joined) -> None:
    """What became of the rows of the file: every one is counted."""
    record = joined.record
    what = "solutions" if record.key == "sample_key" else "problems"
    out = stdout()
    out.print(plain(f"{joined.matched:,} of {joined.possible:,} {what} have the score '{record.name}'"))
    counted = (
        (joined.unmatched, f"unmatched: the run has no such {what} ({', '.join(joined.examples)}, ...)"),
        (joined.doubled, f"doubled, {joined.conflicting:,} of them with another value: the first row stands"),
        (joined.empty, "without a key or a value"),
    )
    for count, words in counted:
        if count:
            out.print(plain(f"{count:,} of {joined.rows:,} rows are {words}"), soft_wrap=True)
    out.print(plain(f"rules read it as {as_named(record)}; digest {record.digest}"), soft_wrap=True)
