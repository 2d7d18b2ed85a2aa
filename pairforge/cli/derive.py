"""The command that makes new solutions from those of a run, without sampling."""

from __future__ import annotations

import shlex
import sys

from pairforge.cli import app
from pairforge.cli.console import JsonOption, RunArgument, SetOption, outcome, plain, print_json, progress, stdout


@app.command("derive")
def derive_command(run: RunArgument, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Make the recipe's derived solutions (`derive:`), or those that `--set` adds, and verify them."""
    from pairforge.errors import RecipeError
    from pairforge.pipeline import derive, open_session
    from pairforge.pipeline.preparing import keep_choices

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        session = open_session(run, overrides or [], show)
        if not session.recipe.derive:
            hint = '--set "derive.first={of: given, first_correct: true}"'
            raise RecipeError("the recipe derives nothing", hint=hint)
        with session.run.lock():
            keep_choices(session.recipe, session.run)
            counts = derive(session)
    if as_json:
        print_json(counts)
        return
    for name, count in counts.items():
        words = ", ".join(f"{number:,} {what.replace('_', ' ')}" for what, number in count.items())
        stdout().print(plain(f"{name}: {words or 'no solutions'}"))
