"""The command line: each command loads, calls one library function, and prints."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


@app.callback()
def root() -> None:
    """Build verified preference datasets that teach small models to think longer and better."""


def main() -> None:
    """Entry point of the `pairforge` script."""
    app()
