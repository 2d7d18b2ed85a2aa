"""What all commands share: results on stdout, progress on stderr, errors as one line or one JSON object."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pairforge.errors import PairforgeError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pairforge.pipeline import Summary
    from pairforge.progress import Progress

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run: its name under runs/, or its path.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a recipe key, e.g. filter.gap.min=500 (repeatable)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, whatever the outcome.")]
ViewOption = Annotated[str, typer.Option("--view", help="Name of the view.")]


def stdout() -> Console:
    """The console for results. Markup is off: questions and solutions are printed as they are."""
    from rich.console import Console

    return Console(markup=False, highlight=False)


@contextlib.contextmanager
def outcome(as_json: bool, resume: str = "") -> Iterator[None]:
    """Report how the block ended: known errors and interruptions get a line, or a JSON object with `--json`."""
    try:
        yield
    except PairforgeError as error:
        if not as_json:
            raise
        print_json({"error": error.message, "hint": error.hint})
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        if as_json:
            print_json({"error": "interrupted", "resume": resume})
        print(f"interrupted; everything finished so far is kept. Resume with:\n  {resume}", file=sys.stderr)
        raise typer.Exit(130) from None


def this_program() -> str:
    """How this shell calls pairforge: by name where that is on the PATH, else as it was called."""
    if shutil.which("pairforge"):
        return "pairforge"
    called = Path(sys.argv[0])
    return shlex.quote(sys.argv[0]) if called.name == "pairforge" else f"{shlex.quote(sys.executable)} -m pairforge"


def plain(text: str) -> Text:
    """Text from a dataset or a model, safe to print: no markup, and no escape sequence reaches the terminal."""
    from rich.text import Text

    return Text(_CONTROL.sub(lambda found: repr(found.group())[1:-1], text))


# C0 but tab and newline, DEL, C1, and the marks that turn the writing direction around.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def print_json(value: object) -> None:
    """One JSON document on stdout; text that is not valid Unicode is escaped."""
    print(json.dumps(value, indent=2, default=str))


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Draw the stages on stderr: count, rate and time left while one works, one line when it is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True, markup=False, highlight=False)
    columns = (
        TextColumn("{task.description:>9}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    started: dict[str, float] = {}
    ended: dict[str, float] = {}
    tasks: dict[str, Any] = {}
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:

        def update(stage: str, done: int, total: int | None, note: str) -> None:
            if stage not in tasks:
                started[stage] = time.monotonic()
                tasks[stage] = bars.add_task(stage, total=total, rate="", note="")
            ended[stage] = time.monotonic()
            seconds = ended[stage] - started[stage]
            rate = f"{done / seconds:,.1f}/s" if seconds > 0.5 else ""
            bars.update(tasks[stage], completed=done, total=total, rate=rate, note=note)

        yield update
        if not console.is_terminal:
            for task in bars.tasks:
                seconds = ended[task.description] - started[task.description]
                print(f"{task.description:>9}: {task.completed:,.0f} done in {seconds:,.1f} s", file=sys.stderr)


def print_summary(summary: Summary) -> None:
    """The totals, the drops by reason, and where everything lies."""
    from rich.table import Table

    table = Table("", "", show_header=False, box=None)
    table.add_row("problems", f"{summary.problems:,}")
    if summary.given:
        repeats = f"; {summary.given_repeated:,} repeats left out" if summary.given_repeated else ""
        table.add_row("given", f"{summary.given:,} ({summary.given_correct:,} correct{repeats})")
    if summary.arms:
        table.add_row("samples", f"{summary.samples:,}")
        table.add_row("correct", f"{summary.correct:,}")
    for name, arm in summary.arms.items() if len(summary.arms) > 1 else ():
        table.add_row(
            f"arm {name}", f"{arm['samples']:,} samples, {arm['correct']:,} correct, {arm['tokens']:,} tokens"
        )
    if summary.cut_by_budget:
        table.add_row("cut by budget", f"{summary.cut_by_budget:,} (longer than any solution the rules could pair)")
    if summary.cut_by_max_tokens:
        table.add_row("cut by max_tokens", f"{summary.cut_by_max_tokens:,} (unfinished: a larger max_tokens helps)")
    table.add_row("pairs", f"{summary.pairs:,}")
    if summary.pairs:
        table.add_row(
            "mean tokens", f"chosen {summary.mean_chosen_tokens:,.0f}, rejected {summary.mean_rejected_tokens:,.0f}"
        )
    for reason, count in summary.drops.items():
        table.add_row(f"dropped: {reason}", f"{count:,}")
    table.add_row("seconds", f"{summary.seconds:,.1f}")
    out = stdout()
    out.print(table)
    if not summary.pairs:
        out.print(
            f"\nno pairs: {why_no_pairs(summary.drops)}; `pairforge show {summary.run}` has the funnel", soft_wrap=True
        )
    out.print(f"\n{summary.run}/views/{summary.view}/pairs.parquet", soft_wrap=True)


def why_no_pairs(drops: Mapping[str, int]) -> str:
    """The most frequent reason for which problems were dropped, as a sentence."""
    if not drops:
        return "there is no problem"
    reason, count = max(drops.items(), key=lambda item: item[1])
    known = {
        "no_candidate": "no solution stands on one of the two sides",
        "prompt_too_long": "the prompt leaves no room for a solution",
        "enough": "other problems were accepted first",
    }
    return f"most problems ({count:,}) were dropped because {known.get(reason, f'all candidates failed {reason}')}"
