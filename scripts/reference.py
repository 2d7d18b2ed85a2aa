"""Write docs/api.md and docs/cli.md from the code: `python scripts/reference.py`. A test checks them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from typer.main import get_command

import pairforge
from pairforge.run.frames import Frames

DOCS = Path(__file__).parent.parent / "docs"


def api_page() -> str:
    """Every public name with its signature and docstring; the examples are run as tests."""
    parts = [
        "# Python API",
        "All of this is `import pairforge`; names are loaded when first used. The page is made from the docstrings, "
        "whose examples are run as tests.",
    ]
    for name in pairforge.__all__:
        if name != "__version__":
            parts += entry(getattr(pairforge, name), name)
    parts += ["## A run's contents", "`open_run` returns a `Run`. Its frames are Polars frames."]
    for name in ("problems", "samples", "verdicts", "pairs", "drops", "dataset"):
        parts += entry(getattr(Frames, name), f"Run.{name}", level=3)
    return "\n\n".join(parts) + "\n"


def entry(offered: object, name: str, level: int = 2) -> list[str]:
    head = f"{'#' * level} {name}"
    text = inspect.getdoc(offered) or ""
    if inspect.isclass(offered):
        return [head, prose(text)]
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(offered)))  # type: ignore[arg-type]
    signature = re.sub(r"<function (\w+) at \w+>", r"\1", signature)
    return [head, f"```python\n{name}{signature}\n```", prose(text)]


def prose(text: str) -> str:
    """A docstring as Markdown: its examples become a block of code."""
    lines, code = [], False
    for line in text.splitlines():
        starts = line.startswith(">>> ")
        if starts and not code:
            lines.append("```python")
            code = True
        lines.append(line)
    return "\n".join([*lines, "```"] if code else lines)


def cli_page() -> str:
    """Every command as `--help` shows it."""
    from pairforge.cli import app, load_commands

    load_commands()
    parts = ["# Commands", "Made from the help texts. Every command has `--help`; most have `--json`."]
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]  # typer's own copy of click
    for name, own in sorted(commands.items()):
        parts += [f"## {name}", f"{(own.help or '').strip()}", *options_of(own, name)]
    return "\n\n".join(parts) + "\n"


def options_of(command: Any, name: str) -> list[str]:
    """The usage line, and a table of arguments and options."""
    context = command.make_context(f"pairforge {name}", [], resilient_parsing=True)
    table = ["| argument or option | meaning |", "|---|---|"]
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record:
            table.append("| " + " | ".join(f"{cell(text)}" for text in (f"`{record[0].strip()}`", record[1])) + " |")
    usage = f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```"
    return [usage, "\n".join(table)] if len(table) > 2 else [usage]


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    (DOCS / "api.md").write_text(api_page())
    (DOCS / "cli.md").write_text(cli_page())


if __name__ == "__main__":
    main()
