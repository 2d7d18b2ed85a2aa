"""The command that trains on pairs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pairforge.cli import app
from pairforge.cli.console import JsonOption, ViewOption, outcome, print_json, progress, stdout
from pairforge.cli.evaluate import prompt_of, run_path

if TYPE_CHECKING:
    from pairforge.evaluate import Comparison
    from pairforge.train import Result, Settings, TrainData

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="train.KEY=VALUE", help="Override any argument of TRL, e.g. train.max_steps=5."),
]


def say(text: str) -> None:
    """Progress and findings go to stderr; results alone are on stdout."""
    print(text, file=sys.stderr, flush=True)


@app.command("train")
def train_command(
    target: Annotated[str, typer.Argument(metavar="RUN|DATASET", help="A run, or a dataset in TRL's format.")],
    model: Annotated[str | None, typer.Option("--model", help="The model to train (default: train.model).")] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="dpo, kto, sft, ipo, ...: see docs/training.md.")
    ] = None,
    view: ViewOption = "default",
    out: Annotated[Path | None, typer.Option("--out", help="Where the model goes (default: RUN/train/<name>).")] = None,
    overrides: SetOption = None,
    split: Annotated[str, typer.Option("--split", help="Split of a dataset.")] = "train",
    config: Annotated[str | None, typer.Option("--config", help="Config of a dataset.")] = None,
    revision: Annotated[str | None, typer.Option("--revision", help="Revision of a dataset.")] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="train.KEY=V1,V2", help="Train every combination of these values."),
    ] = None,
    benchmarks: Annotated[
        list[str] | None, typer.Option("--benchmark", help="Then measure before and after (see `pairforge eval`).")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", "-k", min=1, help="Answers per question.")] = 4,
    push: Annotated[str | None, typer.Option("--push", metavar="REPO", help="Upload the model, as private.")] = None,
    show_launch: Annotated[
        bool, typer.Option("--print", help="Print the command for several GPUs, and do nothing.")
    ] = False,
    accelerate: Annotated[
        Path | None, typer.Option("--accelerate", metavar="FILE", help="An accelerate config for --print.")
    ] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, help="GPUs for --print.")] = 4,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print TRL's arguments, resolved; train nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model on the pairs of a run, or on any preference dataset: DPO with ThinkPO's settings."""
    from pairforge.errors import TrainError
    from pairforge.train import default_name, launch, resolved, train
    from pairforge.train.grid import arm_name, combinations
    from pairforge.train.push_model import push_model

    if show_launch:
        print(launch.command(_without_launch_options(sys.argv[1:]), processes=processes, config=accelerate))
        return
    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])):
        results: list[Any] = []
        table, arms = None, combinations(vary or [])
        if push and len(arms) > 1:
            hint = "train the grid, then give the best arm's settings with --set and --push"
            raise TrainError(f"--push takes one model, --vary makes {len(arms)}", hint=hint)
        for arm in arms:
            settings = train_settings(
                target, model, method, [*(overrides or []), *(f"{k}={v}" for k, v in arm.items())]
            )
            data = train_data(target, settings, view, (split, config, revision))
            if dry_run:
                results.append(resolved(data, settings))
                continue
            folder = out or (run_path(target) or Path("runs") / Path(target).stem) / "train"
            if arm or not out:
                folder = folder / (arm_name(arm) or default_name(settings, data))
            results.append(train(data, settings, folder, say=say))
        if dry_run:
            print_resolved(results, as_json)
            return
        if benchmarks and launch.is_main():
            models = [settings.model, *(result.path for result in results)]
            where = (out or run_path(target) or Path("runs") / Path(target).stem) / "eval"
            table = measure(models, benchmarks, target if run_path(target) else None, samples, where)
        if push and launch.is_main():
            for result in results:
                say(f"pushed to {push_model(Path(result.path), push)}")
    if launch.is_main():
        print_results(results, table, as_json)


def print_resolved(runs: list[Any], as_json: bool) -> None:
    """The resolved arguments of every run as YAML, or as one JSON object."""
    if as_json:
        print_json({"runs": runs})
        return
    import yaml

    stdout().print(yaml.safe_dump_all(runs, sort_keys=False, allow_unicode=True).rstrip(), soft_wrap=True)


def measure(models: list[str], names: list[str], run: str | None, samples: int, out: Path) -> Comparison:
    """Ask the model before training and those after it, with the prompt of the run's pairs."""
    from pairforge.evaluate import Questions, evaluate
    from pairforge.train.launch import free_gpu

    free_gpu()  # the trainer's memory is the engine's now
    questions = Questions(samples=samples, **(prompt_of(run) if run else {}))
    with progress() as show:
        return evaluate(models, names, questions, out, progress=show)


def train_settings(target: str, model: str | None, method: str | None, overrides: list[str]) -> Settings:
    """The recipe's train block, as far as it is meant for the method asked for, then --set, --model and --method."""
    from pairforge.pipeline import run_recipe
    from pairforge.recipe import train_arguments
    from pairforge.run import open_run
    from pairforge.train import for_method, method_of, resolve
    from pairforge.train.launch import has_gpu

    recipe = run_recipe(open_run(target)) if run_path(target) else None
    block = recipe.train if recipe else None
    asked = method or method_of(train_arguments(block, overrides))
    usable = None if block is None else type(block)(**for_method(train_arguments(block), asked))
    arguments: dict[str, Any] = train_arguments(usable, overrides)
    arguments |= {k: v for k, v in (("model", model), ("method", method)) if v is not None}
    if recipe and not arguments.get("model"):  # lengths were counted for the model that is trained
        arguments |= {"model": recipe.filter.tokenizer, "revision": recipe.filter.revision}
    return resolve(arguments, on_gpu=has_gpu())


def train_data(target: str, settings: Settings, view: str, where: tuple[str, str | None, str | None]) -> TrainData:
    """The view of a run, or the dataset."""
    from pairforge.pipeline.exporting import other_rows
    from pairforge.run import open_run
    from pairforge.train import from_dataset, from_view

    if run_path(target):
        rows, made_with = other_rows(open_run(target), view, settings.method)
        return from_view(open_run(target), view, settings.method, rows=rows, made_with=made_with)
    split, config, revision = where
    return from_dataset(target, settings.method, split=split, config=config, revision=revision)


def print_results(results: list[Result], table: Comparison | None, as_json: bool) -> None:
    """What was trained and, where it was measured, the table."""
    from pairforge.evaluate import markdown

    if as_json:
        evaluation = table.to_json() if table else None
        print_json({"models": [result.to_json() for result in results], "evaluation": evaluation})
        return
    out = stdout()
    for result in results:
        for warning in result.warnings:
            out.print(f"warning: {warning}", soft_wrap=True)
        text = f"{result.steps} steps on {result.rows:,} rows in {result.seconds:,.0f} s, last loss {result.loss:.4g}"
        out.print(f"{text}\n{result.path}", soft_wrap=True)
    if table:
        out.print(f"\n{markdown(table)}", soft_wrap=True)


def _without_launch_options(arguments: list[str]) -> list[str]:
    """The command's arguments without those that --print alone understands."""
    kept, skip = [], False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in ("--accelerate", "--processes"):
            skip = True
        elif argument != "--print" and not argument.startswith(("--accelerate=", "--processes=")):
            kept.append(argument)
    return kept
