"""The command that gives a run scores, which rules can then name."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pairforge.cli import app
from pairforge.cli.console import JsonOption, RunArgument, outcome, plain, print_json, progress, stdout

if TYPE_CHECKING:
    from pairforge.run import Run, ScoreRecord
    from pairforge.scores.join import Joined

By = Literal["sample_key", "problem_id", "question"]  # the type of `scores.join` would load polars for `--help`


@app.command("score")
def score_command(
    run: RunArgument,
    name: Annotated[str | None, typer.Option("--name", help="The score's name, by which rules read it.")] = None,
    file: Annotated[
        Path | None, typer.Option("--from", help="Join the values of a .jsonl, .csv or .parquet file.")
    ] = None,
    logprob: Annotated[
        str | None, typer.Option("--logprob", metavar="MODEL", help="Compute log-probabilities under a model (vLLM).")
    ] = None,
    reward: Annotated[
        str | None, typer.Option("--reward", metavar="MODEL", help="Compute rewards of a classification model (vLLM).")
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="MODEL", help="Ask a model behind a server to grade.")
    ] = None,
    column: Annotated[
        str | None, typer.Option("--column", help="--from: the column with the values (default: the score's name).")
    ] = None,
    by: Annotated[
        By | None, typer.Option("--by", help="--from: what a row is about (default: the first that the file has).")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="--from: the column that holds it, where it has another name.")
    ] = None,
    base_url: Annotated[
        list[str] | None, typer.Option("--base-url", help="--judge: the server, http://127.0.0.1:8000/v1 (repeatable).")
    ] = None,
    rubric: Annotated[
        Path | None, typer.Option("--rubric", help="--judge: a prompt with {question}, {answer} and {solution}.")
    ] = None,
    scale: Annotated[
        tuple[float, float], typer.Option("--scale", help="--judge: the lowest and the highest grade.")
    ] = (0.0, 10.0),
    engine: Annotated[
        list[str] | None, typer.Option("--engine", metavar="KEY=VALUE", help="A key of generator.engine (repeatable).")
    ] = None,
    revision: Annotated[str | None, typer.Option("--revision", help="The model's revision on the Hub.")] = None,
    view: Annotated[
        str | None, typer.Option("--view", help="Compute for the solutions in a view's pairs only.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Compute other values under a name that is taken; the old ones are kept.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Give solutions or problems a number or a label that rules can name; without options, list what there is."""
    from pairforge.errors import RunError
    from pairforge.run import open_run
    from pairforge.scores.join import join_scores

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        asked = [option for option in (file, logprob, reward, judge) if option is not None]
        if len(asked) > 1:
            raise RunError("a score comes from one place", hint="choose one of --from, --logprob, --reward and --judge")
        if asked and name is None:
            raise RunError("a score needs a name", hint="pairforge score RUN --from FILE --name quality")
        opened = open_run(run)
        if not asked or name is None:
            records = all_scores(opened)
        elif file is not None:
            with opened.lock():
                joined = join_scores(opened, file, name, column=column, by=by, key_column=key)
        else:
            from pairforge.pipeline import open_session
            from pairforge.pipeline import score as scoring

            settings = scoring.parse_engine(engine or []) | ({"base_urls": base_url} if base_url else {})
            wanted = scoring.Wanted(name, logprob or reward or judge or "", revision, settings, view, replace)
            session = open_session(opened, progress=show)
            if logprob:
                record = scoring.score_logprob(session, wanted)
            elif reward:
                record = scoring.score_reward(session, wanted)
            else:
                record = scoring.score_judge(session, wanted, rubric=rubric, scale=scale)
    if not asked:
        print_json([record.model_dump(mode="json") for record in records]) if as_json else print_scores(run, records)
    elif file is not None:
        print_json(joined_figures(joined)) if as_json else print_joined(joined)
    else:
        print_json(record.model_dump(mode="json")) if as_json else print_computed(record)


def print_computed(record: ScoreRecord) -> None:
    """How many solutions have a value, and why others have none."""
    out = stdout()
    counts = ", ".join(f"{count:,} {status}" for status, count in record.counts.items())
    out.print(plain(f"score '{record.name}': {counts}"))
    if record.counts.get("error"):
        out.print(plain("the same command tries those with an error again; the column `detail` of the file says why"))
    out.print(plain(f"rules read it as {as_named(record)}; digest {record.digest}"), soft_wrap=True)


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
