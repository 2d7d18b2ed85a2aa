"""What the recipe says about prompts reaches the engine, and is part of what a run was made with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairforge.errors import RunError, TemplateError
from pairforge.pipeline import build
from pairforge.run import Run, read_view
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
