"""The command that writes a first recipe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pairforge.cli import app
from pairforge.cli.console import outcome, plain, stdout


@app.command("init")
def init_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The recipe to write.")] = Path("recipe.yaml"),
    dataset: Annotated[
        str | None, typer.Option("--from", metavar="DATA", help="Your data: a file, a folder, or a Hub id.")
    ] = None,
    config: Annotated[str | None, typer.Option("--config", help="The dataset's config.")] = None,
    split: Annotated[str, typer.Option("--split", help="The dataset's split.")] = "train",
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Copy a bundled recipe (default: demo).")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="The model that writes the short solutions.")] = None,
    student: Annotated[str | None, typer.Option("--student", help="The model that will be trained.")] = None,
    show: Annotated[bool, typer.Option("--list", help="List the bundled recipes, and write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
) -> None:
    """Write a commented recipe: for your own data, or a copy of a bundled one."""
    from pairforge.demo import bundled_recipe, bundled_recipes
    from pairforge.errors import RecipeError
    from pairforge.pipeline.starting import recipe_for
    from pairforge.run.atomic import write_text

    if show:
        for name, title in bundled_recipes().items():
            stdout().print(plain(f"{name:<28} {title}"), soft_wrap=True)
        return
    with outcome(False):
        if dataset and recipe:
            raise RecipeError("--from and --recipe each make a recipe", hint="give one of them")
        if file.exists() and not force:
            raise RecipeError(f"{file} exists", hint="give another name, or --force to overwrite it")
        if not file.parent.is_dir():
            raise RecipeError(f"there is no folder {file.parent}", hint=f"mkdir -p {file.parent}")
        notes: tuple[str, ...] = ()
        if dataset:
            models = {key: value for key, value in (("model", model), ("student", student)) if value}
            text, notes = recipe_for(dataset, file, config=config, split=split, models=models)
        else:
            text = bundled_recipe(recipe or "demo")
        write_text(file, text)
    for note in notes:
        print(plain(f"took {note}"), file=sys.stderr)
    stdout().print(f"wrote {file}. Look at it, then:\n  pairforge check {file}", soft_wrap=True)
