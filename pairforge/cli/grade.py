"""The command that grades any file of responses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pairforge.cli import app
from pairforge.cli.console import JsonOption, outcome, plain, print_json, stdout

if TYPE_CHECKING:
    from pairforge.verifier.files import Row

Percent = Literal["strict", "lenient"]  # the verifier's own type would load the verifier for `--help`


@app.command("grade")
def grade_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines or parquet.")],
    gold: Annotated[str, typer.Option("--gold", help="Column with the gold answer.")],
    response: Annotated[str, typer.Option("--response", help="Column with the response, or a list of responses.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write one JSON line per response here.")
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column that names the row; else its number.")] = None,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Explain one row, step by step.")
    ] = None,
    percent: Annotated[
        Percent,
        typer.Option("--percent", help="Whether 20 % equals a bare 20; strict: only where the text says percent."),
    ] = "lenient",
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes (default: cores).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Grade responses against gold answers: status, extracted answer and the rule that decided, per row."""
    from pairforge.verifier.files import read_rows

    with outcome(as_json):
        rows = read_rows(file, gold=gold, response=response, id_column=id_column)
        if explain is not None:
            steps = _explained(rows, explain, percent)
            print_json(dict(steps)) if as_json else _print_steps(steps)
            return
        counts = _graded(rows, output, percent, workers)
    if as_json:
        print_json(
            {"file": str(file), "rows": sum(counts.values()), "counts": dict(counts), "output": str(output or "")}
        )
    else:
        _print_counts(counts)


def _graded(rows: Iterator[Row], output: Path | None, percent: Percent, workers: int | None) -> Counter[str]:
    """Grade all rows and write them beside `output`, which appears only when it is complete."""
    from pairforge.run.atomic import replacing
    from pairforge.verifier import Verifier
    from pairforge.verifier.files import grade_rows

    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        verifier = stack.enter_context(Verifier(workers=workers, percent=percent))
        temporary = stack.enter_context(replacing(output)) if output else None
        lines = stack.enter_context(temporary.open("w", encoding="utf-8")) if temporary else None
        for _, verdict in grade_rows(rows, verifier):
            counts[verdict.status] += 1
            if lines:
                record = {"id": verdict.sample_key, "status": verdict.status, "answer": verdict.answer}
                record |= {"rule": verdict.rule, "detail": verdict.detail}
                lines.write(json.dumps(record) + "\n")
    return counts


def _explained(rows: Iterator[Row], wanted: str, percent: Percent) -> list[tuple[str, str]]:
    from pairforge.errors import VerifierError
    from pairforge.verifier import explain

    for row in rows:
        if row.id == wanted:
            if row.problem:
                return [("row", row.problem)]
            return explain(row.gold, row.response, finish_reason=row.finish_reason, percent=percent)
    raise VerifierError(f"no row {wanted!r}", hint="rows are named by --id COLUMN, else by their number from 0")


def _print_steps(steps: list[tuple[str, str]]) -> None:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, text in steps:
        table.add_row(plain(name), plain(text))
    stdout().print(table)


def _print_counts(counts: Counter[str]) -> None:
    total = sum(counts.values())
    for status, count in counts.most_common():
        print(f"{status:>14}  {count:>8}  {count / total:7.2%}")
    print(f"{'all':>14}  {total:>8}")
