"""The command that grades any file of responses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pairforge.cli import app
from pairforge.cli.console import JsonOption, outcome, plain, print_json, stdout

if TYPE_CHECKING:
    from pairforge.verifier import AnswerRules
    from pairforge.verifier.files import Columns, Row, Tally

# The verifier's own types would load the verifier for `--help`.
Choice = Literal["strict", "lenient"]
Kind = Literal["math", "choice", "exact", "python"]


@app.command("grade")
def grade_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, parquet or CSV.")],
    gold: Annotated[
        str | None, typer.Option("--gold", help="Column with the gold answer; else gold, answer, ground_truth or gt.")
    ] = None,
    response: Annotated[
        str | None,
        typer.Option(
            "--response",
            help="Column with the response, or a list of responses; else response, completion, output or prediction.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write one JSON line per response here.")
    ] = None,
    id_column: Annotated[
        str | None, typer.Option("--id", help="Column that names the row; else id, or its number.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Explain one row, step by step.")
    ] = None,
    kind: Annotated[
        Kind,
        typer.Option("--kind", help="Compare values, choice letters or exact text, or call your function (--python)."),
    ] = "math",
    percent: Annotated[
        Choice,
        typer.Option("--percent", help="Whether 20 % equals a bare 20; strict: only where the text says percent."),
    ] = "lenient",
    units: Annotated[Choice, typer.Option("--units", help="Whether 5 m equals a bare 5.")] = "lenient",
    python: Annotated[
        str | None,
        typer.Option("--python", metavar="FILE.py:FUNCTION", help="For --kind python: the function, which is run."),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes (default: cores).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Grade responses against gold answers: status, extracted answer and the rule that decided, per row."""
    from pairforge.verifier.files import choose_columns, read_rows

    with outcome(as_json):
        rules = _rules(kind, percent, units, python)
        columns = choose_columns(file, gold=gold, response=response, id_column=id_column)
        if (columns.gold, columns.response, columns.id) != (gold, response, id_column):
            print(_taken(columns), file=sys.stderr)
        rows = read_rows(file, gold=columns.gold, response=columns.response, id_column=columns.id)
        if explain is not None:
            steps = _explained(rows, explain, rules)
            print_json(dict(steps)) if as_json else _print_steps(steps)
            return
        tally = _graded(rows, output, rules, workers)
    if as_json:
        print_json({"file": str(file), **_figures(tally), "output": str(output or "")})
    else:
        _print_figures(tally)


def _rules(kind: Kind, percent: Choice, units: Choice, python: str | None) -> AnswerRules:
    from pairforge.errors import VerifierError
    from pairforge.verifier import AnswerRules

    if (kind == "python") != (python is not None):
        raise VerifierError("--kind python and --python FILE.py:FUNCTION belong together", hint="give both, or neither")
    file, colon, name = (python or "").rpartition(":")
    return AnswerRules(kind, percent, units, f"{Path(file).resolve()}{colon}{name}" if python else "")


def _taken(columns: Columns) -> str:
    named = f"column {columns.id!r}" if columns.id else "their number"
    return f"gold answers: column {columns.gold!r}; responses: column {columns.response!r}; rows named by {named}"


def _graded(rows: Iterator[Row], output: Path | None, rules: AnswerRules, workers: int | None) -> Tally:
    """Grade all rows and write them beside `output`, which appears only when it is complete."""
    from pairforge.run.atomic import replacing
    from pairforge.verifier import Verifier
    from pairforge.verifier.files import Tally, grade_rows

    tally = Tally()
    with ExitStack() as stack:
        verifier = stack.enter_context(Verifier(workers=workers, rules=rules))
        temporary = stack.enter_context(replacing(output)) if output else None
        lines = stack.enter_context(temporary.open("w", encoding="utf-8")) if temporary else None
        for row, verdict in grade_rows(rows, verifier):
            tally.add(row, verdict)
            if lines:
                record = {"id": verdict.sample_key, "status": verdict.status, "answer": verdict.answer}
                record |= {"rule": verdict.rule, "detail": verdict.detail}
                lines.write(json.dumps(record) + "\n")
    return tally


def _explained(rows: Iterator[Row], wanted: str, rules: AnswerRules) -> list[tuple[str, str]]:
    from pairforge.errors import VerifierError
    from pairforge.verifier import explain

    for row in rows:
        if row.id == wanted:
            if row.problem:
                return [("row", row.problem)]
            return explain(
                row.gold,
                row.response,
                finish_reason=row.finish_reason,
                question=row.question,
                options=row.options,
                rules=rules,
            )
    raise VerifierError(
        f"no row {wanted!r}", hint="rows are named by --id COLUMN, else by the column id, else by their number from 0"
    )


def _print_steps(steps: list[tuple[str, str]]) -> None:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, text in steps:
        table.add_row(plain(name), plain(text))
    stdout().print(table)


def _figures(tally: Tally) -> dict[str, Any]:
    accuracy = tally.accuracy
    return {
        "rows": tally.counts.total(),
        "counts": dict(tally.counts),
        "accuracy": asdict(accuracy) if accuracy else None,
        "undecided": tally.undecided,
    }


def _print_figures(tally: Tally) -> None:
    total = tally.counts.total()
    for status, count in tally.counts.most_common():
        print(f"{status:>14}  {count:>8}  {count / total:7.2%}")
    print(f"{'all':>14}  {total:>8}")
    if accuracy := tally.accuracy:
        interval = f"95% interval {accuracy.low:.1%} to {accuracy.high:.1%}"
        print(f"{'accuracy':>14}  {accuracy.value:.1%} ({interval}); {tally.undecided} undecided, counted as wrong")
