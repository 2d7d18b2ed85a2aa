"""What others made, as a run: verified again, open to rules, and made again by its own recipe."""

import json

import polars as pl
import pytest

from pairforge import pipeline
from pairforge.errors import SourceError
from pairforge.hub.contents import stage
from pairforge.pipeline.importing import import_data, run_name
from pairforge.recipe import load_recipe
from pairforge.run import open_run
from tests.hub.runs import small_run

NANO = "pairforge:nano"


def write(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def pairs_of(run, view="default"):
    return pl.read_parquet(run.view(view) / "pairs.parquet")


ROLLOUTS = [
    {
        "question": "What is 2 + 3?",
        "gold": "5",
        "completion": "I add: 2 + 3 = 5. The answer is \\boxed{5}.",
        "model": "m",
    },
    {"question": "What is 2 + 3?", "gold": "5", "completion": "It is \\boxed{6}.", "model": "m"},
    {"question": "What is 2 + 3?", "gold": "5", "completion": "Let me see, 2 and 3, so", "finish_reason": "length"},
    {"question": "What is 4 + 4?", "gold": "8", "completion": ["\\boxed{8}", "So 4 + 4 is 8. \\boxed{8}"]},
    {"question": "What is 1 + 1?", "gold": "2", "completion": ""},
]


def test_rollouts_of_ones_own_are_verified_and_paired(tmp_path):
    summary = import_data({"dataset": write(tmp_path / "mine.jsonl", ROLLOUTS)}, NANO, tmp_path / "run")
    run = open_run(tmp_path / "run")
    statuses = run.verdict_table().sort("sample_key")["status"].to_list()
    assert sorted(statuses) == ["correct", "correct", "correct", "incorrect", "truncated"]
    assert summary.problems == 2 and summary.drops == {"no_solution": 1}
    assert {row["chosen_status"] for row in pairs_of(run).iter_rows(named=True)} == {"correct"}


def test_an_import_counts_its_solutions_and_those_that_repeat_another(tmp_path):
    rows = [*ROLLOUTS, ROLLOUTS[0], ROLLOUTS[1]]
    summary = import_data({"dataset": write(tmp_path / "mine.jsonl", rows)}, NANO, tmp_path / "run")
    assert (summary.given, summary.given_correct, summary.given_repeated) == (5, 3, 2)
    assert (summary.samples, summary.correct, summary.arms) == (0, 0, {})


def test_the_summary_of_an_import_shows_its_solutions(tmp_path, capsys):
    from pairforge.cli.console import print_summary

    rows = [*ROLLOUTS, ROLLOUTS[0]]
    print_summary(import_data({"dataset": write(tmp_path / "mine.jsonl", rows)}, NANO, tmp_path / "run"))
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "given 5 (3 correct; 1 repeats left out)" in shown
    assert not any(line.startswith("samples") for line in shown)


def test_any_rule_applies_to_an_import(tmp_path):
    import_data({"dataset": write(tmp_path / "mine.jsonl", ROLLOUTS)}, NANO, tmp_path / "run")
    run = open_run(tmp_path / "run")
    rules = ["filter.direction=long", "filter.rejected.status=incorrect"]
    pipeline.make_view(pipeline.open_session(run, rules), "own-wrong")
    [pair] = pairs_of(run, "own-wrong").iter_rows(named=True)
    assert (pair["chosen_status"], pair["rejected_status"], pair["chosen_model"]) == ("correct", "incorrect", "m")


def test_columns_of_any_name_will_do(tmp_path):
    rows = [{"problem": r["question"], "reference": r["gold"], "response": r["completion"]} for r in ROLLOUTS[:2]]
    columns = {"question": "problem", "gold": "reference", "completion": "response"}
    source = {"dataset": write(tmp_path / "mine.jsonl", rows), "adapter": "rollouts", "columns": columns}
    assert import_data(source, NANO, tmp_path / "run").pairs == 1


def pair(question, chosen, rejected, **more):
    return {"prompt": question, "chosen": chosen, "rejected": rejected, **more}


def messages(role, text):
    return [{"role": role, "content": text}]


@pytest.mark.parametrize("form", [lambda role, text: text, messages], ids=["plain text", "messages"])
def test_a_preference_set_keeps_its_sides(tmp_path, form):
    rows = [
        pair(form("user", f"What is {i} + 1?"), form("assistant", f"Let me add one. \\boxed{{{i + 1}}}"),
             form("assistant", f"\\boxed{{{i}}}"))
        for i in range(3)
    ]  # fmt: skip
    import_data({"dataset": write(tmp_path / "pairs.jsonl", rows)}, NANO, tmp_path / "run")
    pairs = pairs_of(open_run(tmp_path / "run"))
    assert pairs.height == 3 and set(pairs["gold"]) == {"teacher"}  # no answer column: the chosen side's box
    assert set(pairs["rejected_status"]) == {"incorrect"}
    assert all("Let me add one" in chosen[0]["content"] for chosen in pairs["chosen"].to_list())


def test_what_pairforge_publishes_comes_in_again(tmp_path):
    run = small_run(tmp_path / "run", problems=6)
    files = stage(run, {"default": "default"}, "ana/pairs").files
    shard = files["data/default/train-00000-of-00001.parquet"]
    import_data({"dataset": str(shard)}, NANO, tmp_path / "again")
    back, original = pairs_of(open_run(tmp_path / "again")), pairs_of(run)
    assert set(back["problem_id"]) == set(original["problem_id"]) and set(back["gold"]) == {"dataset"}
    assert set(back["chosen_model"]) == {"teacher"} and set(back["chosen_status"]) == {"correct"}


def test_the_recipe_makes_the_same_run_again(tmp_path):
    first = import_data({"dataset": write(tmp_path / "mine.jsonl", ROLLOUTS)}, NANO, tmp_path / "run")
    recipe = load_recipe(tmp_path / "run" / "recipe.yaml")
    again = pipeline.build(recipe, tmp_path / "again")
    assert again.pairs == first.pairs > 0
    assert pairs_of(open_run(tmp_path / "again")).equals(pairs_of(open_run(tmp_path / "run")))


def test_an_unknown_schema_says_what_it_needs(tmp_path):
    with pytest.raises(SourceError, match="does not recognise"):
        import_data({"dataset": write(tmp_path / "x.jsonl", [{"foo": 1}])}, NANO, tmp_path / "run")


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("VanWang/Bespoke_dpo_filter", "Bespoke_dpo_filter"), ("a/b c.jsonl", "b-c"), ("/x/ü.json", "import")],
)
def test_a_run_is_named_after_its_data(dataset, name):
    assert run_name(dataset) == name
