"""Commands that measure models on benchmarks and plan such measurements: eval, power."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pairforge.cli import app
from pairforge.cli.console import JsonOption, outcome, print_json, progress, stdout

if TYPE_CHECKING:
    from pairforge.evaluate.power import Design


@app.command("eval")
def eval_command(
    models: Annotated[
        list[str],
        typer.Option(
            "--model",
            metavar="[NAME=]MODEL",
            help="A model; the first is what others are compared with. Models of one NAME are seeds of one training.",
        ),
    ],
    benchmarks: Annotated[
        list[str], typer.Option("--benchmark", help="demo, math500, aime24, aime25, gsm8k, ..., a file or a Hub id.")
    ],
    run: Annotated[str | None, typer.Option("--run", help="Use this run's prompts; results go there.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where results go (default: RUN/eval or eval).")] = None,
    samples: Annotated[int, typer.Option("--samples", "-k", min=1, help="Answers per question.")] = 4,
    temperature: Annotated[float, typer.Option("--temperature", min=0.0)] = 0.7,
    top_p: Annotated[float, typer.Option("--top-p", min=0.0, max=1.0)] = 1.0,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Cut to what the context leaves.")] = 32768,
    system: Annotated[str | None, typer.Option("--system", help="System prompt.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="User prompt with {question} in it.")] = None,
    template_kwargs: Annotated[
        list[str] | None,
        typer.Option(
            "--template-kwargs",
            metavar="KEY=VALUE|JSON",
            help="Switches of the chat template, e.g. enable_thinking=false.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="The first rows of each source only.")] = None,
    budgets: Annotated[
        str | None,
        typer.Option("--budgets", metavar="N,N,...", help="Token budgets of the accuracy within a budget."),
    ] = None,
    kl: Annotated[bool, typer.Option("--kl", help="Also measure the KL divergence from the first model.")] = False,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="generator.KEY=VALUE", help="Engine settings, e.g. generator.engine.dtype=auto."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure accuracy and length on benchmarks: each model, and its change from the first, with intervals."""
    from pairforge.evaluate import Questions, evaluate, markdown

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        asked = prompt_of(run) if run else {}
        asked |= {k: v for k, v in (("system", system), ("user", user)) if v is not None}
        if template_kwargs:
            asked["template_kwargs"] = switches(template_kwargs)
        questions = Questions(samples, temperature, top_p, max_tokens, seed=seed, limit=limit, **asked)
        folder = out or ((run_path(run) or Path(run)) / "eval" if run else Path("eval"))
        comparison = evaluate(
            models,
            benchmarks,
            questions,
            folder,
            overrides=overrides or [],
            budgets=token_budgets(budgets),
            kl=kl,
            progress=show,
        )
    if as_json:
        print_json(comparison.to_json())
    else:
        stdout().print(markdown(comparison), soft_wrap=True)
        stdout().print(f"{folder}/README.md, eval.json, figure.png", soft_wrap=True)


@app.command("power")
def power_command(
    questions: Annotated[int, typer.Option("--questions", min=2, help="Questions of the benchmark.")] = 500,
    answers: Annotated[int, typer.Option("--answers", "-k", min=1, help="Answers per question.")] = 4,
    accuracy: Annotated[float | None, typer.Option("--accuracy", help="Expected accuracy of the first model.")] = None,
    between: Annotated[
        float | None,
        typer.Option("--between", help="Variance over questions of the chance of a right answer (default: assumed)."),
    ] = None,
    correlation: Annotated[
        float | None, typer.Option("--correlation", help="Of how hard both models find the questions (default: 0.9).")
    ] = None,
    change: Annotated[
        float | None, typer.Option("--change", help="Points of accuracy to detect: how many questions does it take?")
    ] = None,
    power: Annotated[float, typer.Option("--power", help="Chance to detect a true change.")] = 0.8,
    level: Annotated[float, typer.Option("--level", help="Chance of a false alarm.")] = 0.05,
    measured: Annotated[
        Path | None, typer.Option("--eval", metavar="FILE", help="Take accuracy and variance from an eval.json.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Plan an evaluation: how small a change it can detect, or how many questions a change takes."""
    from pairforge.evaluate.power import CORRELATION, design, detectable, questions_needed, read_measured

    with outcome(as_json):
        seen = read_measured(measured) if measured else None
        expected = accuracy if accuracy is not None else (seen.accuracy if seen else 0.5)
        spread = between if between is not None else (seen.between_variance if seen else None)
        alike = CORRELATION if correlation is None else correlation
        rows = []
        for k in sorted({1, 2, 4, 8, 16, answers}):
            plan = design(questions, k, expected, spread, alike, power=power, level=level)
            needed = None if change is None else questions_needed(plan, change / 100)
            rows.append({"answers": k, "detectable_points": 100 * detectable(plan), "questions_needed": needed})
    plan = design(questions, answers, expected, spread, alike, power=power, level=level)
    if as_json:
        print_json({"design": plan.to_json(), "change_points": change, "by_answers": rows})
    else:
        print_power(plan, change, rows)


def print_power(plan: Design, change: float | None, rows: list[dict[str, Any]]) -> None:
    """One sentence on the design asked for, then the figures for other numbers of answers."""
    from rich.table import Table

    from pairforge.evaluate.power import detectable

    out = stdout()
    out.print(
        f"With {plan.questions:,} questions and {plan.answers} answers each, a change of "
        f"{100 * detectable(plan):.1f} points can be seen ({plan.power:.0%} power, {plan.level:.0%} level).\n"
        f"Assumed: accuracy {plan.accuracy:.3g}, variance between questions {plan.between_variance:.3g}, "
        f"correlation {plan.correlation:.2g}.",
        soft_wrap=True,
    )
    heads = ["answers per question", "change, points"]
    heads += [] if change is None else [f"questions for {change:g} points"]
    table = Table(*heads, box=None)
    for row in rows:
        needed = "over ten million" if row["questions_needed"] is None else f"{row['questions_needed']:,}"
        table.add_row(str(row["answers"]), f"{row['detectable_points']:.1f}", *([] if change is None else [needed]))
    out.print(table)


def token_budgets(text: str | None) -> list[int]:
    """The budgets of `--budgets`, smallest first. Raises `TrainError` for what is no positive number."""
    from pairforge.errors import TrainError

    words = [] if text is None else text.replace("_", "").split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise TrainError(f"--budgets {text}: not a list of token counts", hint="e.g. --budgets 512,2048,8192")
    return sorted({int(word) for word in words})


def prompt_of(run: str) -> dict[str, Any]:
    """The prompt that the pairs of a run have: what its student is asked."""
    from pairforge.pipeline import run_recipe
    from pairforge.run import open_run

    block = run_recipe(open_run(run)).format
    return {"system": block.system, "user": block.user, "template_kwargs": block.template_kwargs}


def switches(texts: list[str]) -> dict[str, Any]:
    """The switches of `--template-kwargs`: KEY=VALUE with VALUE in YAML, or a JSON object; later ones replace earlier
    ones. Raises `TrainError` for anything else."""
    import yaml

    from pairforge.errors import TrainError

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        is_object = text.strip().startswith("{")
        try:
            new = yaml.safe_load(text) if is_object else {name.strip(): yaml.safe_load(value)}
        except yaml.YAMLError:
            new = None
        if not isinstance(new, dict) or not (is_object or equals):
            hint = "write --template-kwargs enable_thinking=false, or '{\"enable_thinking\": false}'"
            raise TrainError(f"--template-kwargs {text}: neither KEY=VALUE nor a JSON object", hint=hint)
        found |= new
    return found


def run_path(target: str) -> Path | None:
    """The run's folder when `target` names a run, None when it is a dataset."""
    from pairforge.run import find_run

    found = find_run(target)
    return found.path if found else None
