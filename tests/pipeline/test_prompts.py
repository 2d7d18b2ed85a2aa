"""What the recipe says about prompts reaches the engine, and is part of what a run was made with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairforge.errors import RecipeError, RunError, TemplateError
from pairforge.pipeline import build
from pairforge.pipeline.check import check
from pairforge.recipe import load_recipe, parse_recipe
from pairforge.run import Run, open_run, read_view
from tests.pipeline.conftest import add

Make = Callable[..., Any]
BRIEF = "generator.prompt.template_kwargs={brief: true}"


def test_template_switches_reach_the_prompts_of_either_side(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    build(recipe(BRIEF), tmp_path / "run")
    assert all(request.prompt.startswith("<brief> ") for request in engines[0].requests)
    switched = recipe(BRIEF, "format.template_kwargs={brief: true}")
    assert build(switched, tmp_path / "run").pairs == 12  # another format is another view of the same samples
    assert len(engines) == 1
    record = read_view(Run(tmp_path / "run"), "default")
    assert record.format["template_kwargs"] == {"brief": True}


def test_lengths_are_counted_with_the_students_switches(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    tokens = []
    for value in ("{}", "{brief: true}"):
        build(recipe(f"format.template_kwargs={value}"), tmp_path / "run")
        tokens.append(read_view(Run(tmp_path / "run"), "default").means["prompt_tokens"])
    assert tokens[1] > tokens[0]


def test_other_switches_are_another_run(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe(), tmp_path / "run")
    with pytest.raises(RunError, match=r"generator\.prompt\.template_kwargs\.brief: None there, True here"):
        build(recipe(BRIEF), tmp_path / "run")


def test_a_switch_without_an_effect_is_refused_before_anything_is_sampled(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    with pytest.raises(TemplateError, match=r"generator\.prompt\.template_kwargs\.breif"):
        build(recipe("generator.prompt.template_kwargs={breif: true}"), tmp_path / "run")
    assert engines == []


# --- worked examples -----------------------------------------------------------------------------------------------

SHOTS = "generator.prompt.examples=[{question: '2+2?', answer: It is 4.}, {question: '3+3?', answer: It is 6.}]"


def test_worked_examples_come_before_the_question(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    build(recipe(SHOTS, "generator.prompt.user='Solve: {question}'"), tmp_path / "run")
    prompt = next(r.prompt for r in engines[0].requests if "1 plus 10" in r.prompt)
    assert prompt == (
        "<user> Solve: 2+2? <eos>\n<assistant> It is 4. <eos>\n<user> Solve: 3+3? <eos>\n"
        "<assistant> It is 6. <eos>\n<user> Solve: What is 1 plus 10? <eos>\n<assistant> "
    )


@pytest.mark.parametrize("name", ["shots.jsonl", "shots.yaml"])
def test_examples_may_be_a_file_beside_the_recipe_which_the_run_needs_only_once(
    name: str, recipe: Make, scripted: Make, tmp_path: Path
):
    rows = [{"question": "2+2?", "answer": "It is 4."}, {"question": "3+3?", "answer": "It is 6."}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / name).write_text(lines if name.endswith("jsonl") else json.dumps(rows))
    text = recipe().model_dump_json()
    raw = json.loads(text)
    raw["generator"]["prompt"]["examples"] = name
    (tmp_path / "recipe.yaml").write_text(json.dumps(raw))
    loaded = load_recipe(tmp_path / "recipe.yaml")
    assert loaded.model_dump() == recipe(SHOTS).model_dump()
    scripted(add)
    build(loaded, tmp_path / "run")
    (tmp_path / name).unlink()
    assert parse_recipe((tmp_path / "run" / "recipe.yaml").read_text()).model_dump() == loaded.model_dump()


def test_other_examples_are_another_run_by_their_digest(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe(SHOTS), tmp_path / "run")
    with pytest.raises(RunError, match=r"generator\.prompt\.examples: '[0-9a-f]{16}' there, '[0-9a-f]{16}' here"):
        build(recipe(SHOTS, "generator.prompt.examples.1.answer=six"), tmp_path / "run")


def test_a_file_of_examples_that_cannot_be_read_is_named(recipe: Make, tmp_path: Path):
    with pytest.raises(RecipeError, match=r"prompt\.examples: cannot read .*nowhere\.jsonl: No such file"):
        recipe("generator.prompt.examples=nowhere.jsonl")
    (tmp_path / "bad.jsonl").write_text("{broken")
    with pytest.raises(RecipeError, match=r"bad\.jsonl: Expecting"):
        recipe(f"generator.prompt.examples={tmp_path}/bad.jsonl")
    (tmp_path / "bad.jsonl").write_text('{"question": "2+2?"}')
    with pytest.raises(RecipeError, match=r"generator\.prompt\.examples\.0\.answer: missing"):
        recipe(f"generator.prompt.examples={tmp_path}/bad.jsonl")


# --- columns of the source -----------------------------------------------------------------------------------------


def with_topic(recipe: Make, tmp_path: Path, *overrides: str, topics: int = 12) -> Any:
    rows = [json.loads(line) for line in (tmp_path / "problems.jsonl").read_text().splitlines()]
    rows = [{**row, "topic": f"sums {{question}} {n}" if n < topics else None} for n, row in enumerate(rows)]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = "sources.0.columns={long: long, meta.topic: topic}"
    return recipe(columns, "generator.prompt.user='{question} ({meta.topic})'", *overrides)


def test_a_prompt_names_columns_of_the_source(recipe: Make, scripted: Make, tmp_path: Path):
    """What a source says is put in as it stands: a brace in it is no placeholder."""
    engines = scripted(add)
    build(with_topic(recipe, tmp_path, "generator.prompt.system='About {meta.topic}.'"), tmp_path / "run")
    prompt = next(r.prompt for r in engines[0].requests if "What is 1 plus 10" in r.prompt)
    assert "<system> About sums {question} 0. <eos>" in prompt
    assert "<user> What is 1 plus 10? (sums {question} 0) <eos>" in prompt


def test_a_column_that_problems_lack_is_refused_with_those_there_are(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    asked = with_topic(recipe, tmp_path, "generator.prompt.system='{meta.level}'")
    with pytest.raises(RecipeError, match=r"generator\.prompt: 12 of 12 problems have no meta\.level") as caught:
        build(asked, tmp_path / "run")
    assert caught.value.hint == "the sources have meta.topic"
    assert not check(asked).ok
    with pytest.raises(RecipeError, match=r"2 of 12 problems have no meta\.topic"):
        build(with_topic(recipe, tmp_path, topics=10), tmp_path / "other")
    assert engines == []


@pytest.mark.parametrize("key", ["generator.prompt.user", "generator.prompt.system", "format.user"])
def test_a_placeholder_that_nothing_fills_is_refused_with_what_there_is(key: str, recipe: Make):
    with pytest.raises(RecipeError, match=rf"{key}: nothing fills {{topic}}; there is {{question}}") as caught:
        recipe(f"{key}='{{question}} {{topic}}'")
    assert ("{meta.COLUMN}" in str(caught.value)) == key.startswith("generator")
    recipe(f"{key}='{{question}} Write \\boxed{{answer}}, \\frac{{a}}{{b}}, {{}} or {{ topic }}.'")


def test_a_run_of_an_earlier_version_keeps_its_braces(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    build(recipe(), tmp_path / "run")
    file = tmp_path / "run" / "recipe.yaml"
    file.write_text(file.read_text().replace("user: '{question}'", "user: '{question} {topic}'", 1))
    from pairforge.pipeline import run_recipe

    stored = run_recipe(open_run(tmp_path / "run"))
    assert stored.generator.prompt.user == "{question} {topic}"
    assert len(engines) == 1


def test_an_example_without_a_column_that_the_prompt_names_is_refused(recipe: Make):
    with pytest.raises(RecipeError, match=r"examples\.0 has no meta\.topic"):
        recipe(SHOTS, "generator.prompt.user='{question} {meta.topic}'")


# --- the beginning of the answer -----------------------------------------------------------------------------------


def test_a_solution_begins_with_the_prefix_which_is_part_of_it(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(lambda request: f"{add(request)}")
    build(recipe("generator.prompt.prefix='<think> I add. </think> '"), tmp_path / "run")
    request = engines[0].requests[0]
    assert (request.begun, request.prompt[-12:]) == ("<think> I add. </think> ", "<assistant> ")
    samples = list(Run(tmp_path / "run").sampled())
    assert all(s.text.startswith("<think> I add. </think> ") for s in samples)
    assert {s.thought for s in samples} == {"I add."}
    assert all(s.sampled_tokens == len(add(r).split()) for s, r in zip(samples, engines[0].requests, strict=False))
    assert check(recipe("generator.prompt.prefix='So'")).prompt.endswith("<assistant> So")


def test_a_chat_server_cannot_begin_an_answer(recipe: Make):
    server = ("generator.engine.kind=server", "generator.engine.base_urls=[http://127.0.0.1:1/v1]")
    with pytest.raises(RecipeError, match=r"a chat server begins every answer itself; `engine\.api: completions`"):
        recipe("generator.prompt.prefix=So", *server)
    assert recipe("generator.prompt.prefix=So", *server, "generator.engine.api=completions")
