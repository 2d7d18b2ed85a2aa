"""The command `sweep`: many rule sets over the same samples."""

from __future__ import annotations

import re
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
    plain,
    print_json,
    progress,
    stdout,
)

if TYPE_CHECKING:
    from pairforge.filters.sweep import ArmResult


@app.command("sweep")
def sweep_command(
    run: RunArgument,
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="KEY=V1,V2", help="Values of a rule; `none` lifts a bound (repeatable)."),
    ] = None,
    grid: Annotated[Path | None, typer.Option("--grid", help="A YAML file of keys and lists of values.")] = None,
    overrides: SetOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the table: .parquet, .csv or .json.")] = None,
    figure: Annotated[Path | None, typer.Option("--figure", help="Draw the table: .svg or .png.")] = None,
    save_views: Annotated[
        str | None, typer.Option("--save-views", metavar="PREFIX", help="Keep every arm as a view, PREFIX-1, -2, ...")
    ] = None,
    surfaces: Annotated[bool, typer.Option(help="Test whether form alone tells the sides apart.")] = True,
    recommend: Annotated[
        bool, typer.Option("--recommend", help="Say which arms another one is better than in every respect.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare many rule sets over the same samples: the pairs each keeps, and what it selects for."""
    from pairforge.errors import RecipeError
    from pairforge.filters.recommend import recommendation
    from pairforge.pipeline import experiments
    from pairforge.run import open_run

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        settings = [*(experiments.parse_axes(vary) if vary else []), *(experiments.read_grid(grid) if grid else [])]
        if not settings:
            raise RecipeError("a sweep needs rules to vary", hint="--vary filter.gap.max=500,1000,none, or --grid FILE")
        results = experiments.run_sweep(
            open_run(run), settings, overrides=overrides or [], surfaces=surfaces, save_as=save_views, progress=show
        )
        if out:
            experiments.write_sweep(results, out)
        if figure:
            experiments.draw_sweep(results, figure)
    if as_json:
        print_json([result.to_json() for result in results])
        return
    print_sweep(results)
    if recommend:
        for sentence in recommendation(results):
            stdout().print(sentence, soft_wrap=True)


def print_sweep(results: list[ArmResult]) -> None:
    """One row per arm; a star marks what early stopping or a budget may have decided."""
    from rich.table import Table

    from pairforge.filters.sweep import label

    table = Table("", box=None)
    table.add_column("rules", overflow="fold")
    for name in ("pairs", "problems", "gap", "ratio", "wrong", "pass rate", "source", "form"):
        table.add_column(name, justify="right", no_wrap=True)
    for at, result in enumerate(results, start=1):
        table.add_row(
            str(at),
            plain(label(result.settings)),
            f"{result.pairs:,}{'' if result.comparable else '*'}",
            f"{result.problems:,}",
            number(result.means.get("gap_tokens")),
            number(result.means.get("ratio"), ".2f"),
            number(result.wrong_share, ".0%"),
            number(result.pass_rate_shift, "+.2f"),
            number(result.source_shift, ".2f"),
            form(result),
        )
    out = stdout()
    out.print(table)
    out.print(
        "\ngap, ratio: means, in tokens. wrong: share of incorrect rejected sides. pass rate, source: distance from "
        "all problems (0: no selection). form: the share of pairs that the best test of form (surface features, a text "
        "classifier) puts the right way round; 0.5: chance, !: 0.9 and more.",
        soft_wrap=True,
    )
    if details := form_details(results):
        out.print(plain(details), soft_wrap=True)
    for at, result in enumerate(results, start=1):
        if result.parts:
            parts = ", ".join(f"{name} {part.pairs:,}" for name, part in result.parts.items())
            out.print(plain(f"pairs of the parts, row {at}: {parts}"), soft_wrap=True)
    for line in [*earlier(results), *notes(results)]:
        out.print(plain(line), soft_wrap=True)


def earlier(results: list[ArmResult]) -> list[str]:
    """How the arms differ from the latest earlier sweep with the same settings: one line per arm that does."""
    lines = []
    for at, result in enumerate(results, start=1):
        before = result.extra
        if before.get("earlier_sweep") is None:
            continue
        shift = f"shift {number(before['earlier_shift'], '.2f')}, now {number(result.selection_shift, '.2f')}"
        lines.append(
            f"row {at}, in sweep {before['earlier_sweep']}: {before['earlier_pairs']:,} pairs, now {result.pairs:,}; "
            f"{shift}; overlap of the pairs {number(before['earlier_overlap'], '.2f')}"
        )
    return lines


def notes(results: list[ArmResult]) -> list[str]:
    """The notes of all arms, each said once: with the rows that have it, and the range of numbers that differ."""
    rows: dict[str, list[int]] = {}
    numbers: dict[str, list[list[str]]] = {}
    for at, result in enumerate(results, start=1):
        for note in result.notes:
            same = _NUMBER.sub("{}", note.replace("{", "(").replace("}", ")"))
            rows.setdefault(same, []).append(at)
            numbers.setdefault(same, []).append(_NUMBER.findall(note))
    starred = {at for at, result in enumerate(results, start=1) if not result.comparable}
    lines = []
    for same, having in rows.items():
        ranges = [_range(values) for values in zip(*numbers[same], strict=True)]
        mark = "* " if starred & {*having} else ""
        lines.append(f"{mark}row{'s' if len(having) > 1 else ''} {_rows(having)}: {same.format(*ranges)}")
    return lines


_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def _range(values: tuple[str, ...]) -> str:
    ordered = sorted(set(values), key=lambda text: float(text.replace(",", "")))
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def _rows(at: list[int]) -> str:
    """Row numbers, those that follow each other as one range."""
    groups: list[list[int]] = []
    for row in at:
        if groups and groups[-1][-1] == row - 1:
            groups[-1].append(row)
        else:
            groups.append([row])
    return ", ".join(f"{group[0]}-{group[-1]}" if len(group) > 2 else ", ".join(map(str, group)) for group in groups)


def form(result: ArmResult) -> str:
    """How well form alone tells the sides apart, with a `!` where it gives them away."""
    from pairforge.filters.separability import TELLING

    accuracy = result.extra.get("separability")
    return number(accuracy, ".2f") + ("!" if accuracy is not None and accuracy >= TELLING else "")


def form_details(results: list[ArmResult]) -> str:
    """The best test of form of every arm and the interval of its accuracy, on one line; "" where none was measured."""
    found = [
        f"row {at} {extra['separability_by']} ({extra['separability_low']:.2f} to {extra['separability_high']:.2f})"
        for at, extra in enumerate((result.extra for result in results), start=1)
        if extra.get("separability") is not None
    ]
    return f"form, by which test (95% interval): {', '.join(found)}" if found else ""


def number(value: float | None, form: str = ",.0f") -> str:
    """A number for a table, or a dash."""
    return "-" if value is None else format(value, form)
