"""`pairforge power` and the options of `pairforge eval` on the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pairforge import demo
from pairforge.cli import app
from pairforge.cli import evaluate as commands
from pairforge.errors import TrainError
from pairforge.recipe import dump_recipe, load_recipe
from pairforge.run import Run


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_power_tells_the_change_that_can_be_seen_and_the_questions_it_takes():
    done = call("power", "--questions", 300, "-k", 2, "--accuracy", 0.6, "--change", 3)
    assert done.exit_code == 0, done.output
    assert "With 300 questions and 2 answers each, a change of " in done.stdout
    assert "questions for 3 points" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_power_reads_what_an_evaluation_measured(tmp_path: Path):
    file = tmp_path / "eval.json"
    row = {"model": "a", "accuracy": {"value": 0.4}, "score": {"between_variance": 0.2}}
    file.write_text(json.dumps({"rows": [row]}))
    done = call("power", "--eval", file, "--json", "--change", 5)
    record = json.loads(done.stdout)
    assert (record["design"]["accuracy"], record["design"]["between_variance"]) == (0.4, 0.2)
    one, more = record["by_answers"][0], record["by_answers"][-1]
    assert one["detectable_points"] > more["detectable_points"]
    assert one["questions_needed"] > more["questions_needed"]


def test_an_impossible_plan_is_an_error_in_json_too():
    done = call("power", "--accuracy", 1.2, "--json")
    assert done.exit_code == 1
    assert "accuracy" in json.loads(done.stdout)["error"]


def test_power_names_a_file_that_is_no_evaluation(tmp_path: Path):
    file = tmp_path / "eval.json"
    for text in ("{}", "not JSON", "[]"):
        file.write_text(text)
        done = call("power", "--eval", file, "--json")
        assert done.exit_code == 1
        assert "eval.json" in json.loads(done.stdout)["hint"]
    done = call("power", "--eval", tmp_path / "nowhere.json", "--json")
    assert "nowhere" in json.loads(done.stdout)["error"]


def test_budgets_are_read_or_refused():
    assert commands.token_budgets("2048,512, 512") == [512, 2048]
    assert commands.token_budgets(None) == []
    with pytest.raises(TrainError, match="not a list of token counts"):
        commands.token_budgets("512,many")


def test_template_switches_are_given_one_by_one_or_as_json():
    given = ["enable_thinking=false", '{"reasoning_effort": "high", "depth": 2}', "depth=3"]
    assert commands.switches(given) == {"enable_thinking": False, "reasoning_effort": "high", "depth": 3}
    for wrong in ("enable_thinking", "{broken", "[1]", "{}x"):
        with pytest.raises(TrainError, match="neither KEY=VALUE nor a JSON object"):
            commands.switches([wrong])


def test_a_runs_prompt_comes_with_its_template_switches(tmp_path: Path):
    run = Run(tmp_path / "run")
    recipe = load_recipe(demo.recipe_path(), ["format.template_kwargs={enable_thinking: false}"])
    run.write_recipe(dump_recipe(recipe))
    asked = commands.prompt_of(str(run.path))
    assert asked == {"system": None, "user": "{question}", "template_kwargs": {"enable_thinking": False}}
