"""The command line: each command loads, calls one library function, and prints."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

import pairforge
from pairforge.errors import PairforgeError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"pairforge {pairforge.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Build verified preference data for reasoning length, in both directions."""


def load_commands() -> None:
    """Import the modules that register the commands."""
    from pairforge.cli import (  # noqa: F401
        build,
        derive,
        evaluate,
        grade,
        init,
        publish,
        schema,
        scores,
        sweeps,
        train,
        views,
    )


def main() -> None:
    """Entry point of the `pairforge` script: known errors are one line and a hint, not a traceback."""
    load_commands()
    # Where PyTorch is missing only tokenizers are needed: transformers need not say that there are no models.
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except PairforgeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def _terminate(signum: int, frame: FrameType | None) -> None:
    """A cluster's SIGTERM ends a run as Ctrl-C does: what is finished is kept, the resume command is printed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends it at once: nothing that finished is lost
    raise KeyboardInterrupt
