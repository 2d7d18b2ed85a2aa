"""The command that says what a recipe may hold: schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pairforge.cli import app


@app.command("schema")
def schema_command(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of stdout.")] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="The reference of all keys (docs/recipe.md) instead of the JSON schema.")
    ] = False,
) -> None:
    """Print the JSON schema of recipes, with which editors complete and check them."""
    from pairforge.recipe.reference import json_schema, markdown
    from pairforge.run.atomic import write_text

    text = markdown() if as_markdown else json_schema()
    if out is None:
        print(text, end="")
    else:
        write_text(out, text)
        print(out)
