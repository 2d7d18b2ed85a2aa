"""The commands over a finished run: filter, sweep, diff, show."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from pairforge.cli import app, sweeps, views  # noqa: F401  (importing registers the commands)
from pairforge.errors import PairforgeError
from pairforge.run import Run
from tests.synthetic import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "run", 60).path


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def done(*words: object) -> str:
    result = call(*words)
    assert result.exit_code == 0, result.output + str(result.exception)
    return result.stdout


def test_the_same_rules_write_the_same_bytes(run):
    files = []
    for view in ("one", "two"):
        done("filter", run, "--view", view, "--set", "filter.gap.min=100", "--set", "filter.wrong_share=0.2")
        files.append((run / "views" / view / "pairs.parquet").read_bytes())
    assert files[0] == files[1]


def test_filter_says_what_further_sampling_may_add_and_how(run):
    text = done("filter", run, "--view", "tight", "--set", "filter.gap.min=400")
    assert "early stopping" in text or "stopped drawing for other rules" in text
    assert f"pairforge sample {run} --extend --set filter.gap.min=400" in text.replace("\n", " ").replace("  ", " ")
    record = json.loads((run / "views/tight/view.json").read_text())
    assert record["undecided"]["problems"] > 0


def test_a_sweep_prints_one_object_per_arm(run):
    vary = ["--vary", "filter.gap.max=200,400,none", "--vary", "filter.rejected.status=correct,any"]
    arms = json.loads(done("sweep", run, *vary, "--json"))
    assert [arm["settings"]["filter.gap.max"] for arm in arms] == [200, 200, 400, 400, None, None]
    assert arms[0]["pairs"] <= arms[2]["pairs"] <= arms[4]["pairs"] and arms[5]["pairs"] > arms[4]["pairs"]
    assert arms[4]["problems"] == arms[4]["pairs"] and arms[4]["means"]["gap_tokens"] > 0
    assert arms[4]["separability"] == 1.0  # the synthetic long solutions all open in one way
    assert 0.7 < arms[4]["separability_low"] < arms[4]["separability_high"] == 1.0 and arms[4]["separability_by"]
    done("filter", run, "--view", "same", "--set", "filter.gap.max=400")
    assert json.loads((run / "views/same/view.json").read_text())["pairs"] == arms[2]["pairs"]


def test_a_sweep_shows_how_well_form_tells_the_sides_apart_and_marks_it(run):
    text = done("sweep", run, "--vary", "filter.gap.max=50,none", "--set", "filter.gap.min=40")
    assert "gap.max=" in text and re.search(r" 1\.00!\s", text)
    assert re.search(r"form, by which test \(95% interval\): row 2 [a-z ]+ \(0\.7\d to 1\.00\)", text)


def test_a_view_holds_the_tests_of_its_form(run):
    done("filter", run, "--view", "form")
    tests = json.loads((run / "views/form/view.json").read_text())["separability"]
    assert {"text classifier", "markers"} <= {test["name"] for test in tests}
    assert all(test["low"] <= test["accuracy"] <= test["high"] for test in tests)


def test_an_arm_is_not_computed_twice(run, monkeypatch):
    vary = ["--vary", "filter.gap.max=150,250", "--json"]
    first = json.loads(done("sweep", run, *vary))
    from pairforge.filters import sweep as module

    monkeypatch.setattr(module, "select", lambda *_, **__: pytest.fail("computed again"))
    again = json.loads(done("sweep", run, *vary))
    assert again == first and len(list((run / "sweeps").glob("*.json"))) >= 2
    monkeypatch.undo()
    more = json.loads(done("sweep", run, "--vary", "filter.gap.max=250,none", "--json"))
    assert more[0]["pairs"] == first[1]["pairs"] and more[1]["overlap"][0] == pytest.approx(
        more[0]["pairs"] / more[1]["pairs"], abs=1e-3
    )


def test_a_sweep_is_compared_with_an_earlier_one(tmp_path):
    other = make_run(tmp_path / "run", 40, seed=1).path
    done("sweep", other, "--vary", "filter.gap.max=none,300", "--no-surfaces")
    text = done("sweep", other, "--vary", "filter.gap.max=none", "--set", "filter.gap.min=300", "--no-surfaces")
    assert re.search(r"row 1, in sweep 1: (\d+) pairs, now (\d+); shift .*; overlap of the pairs 0\.\d\d", text)
    arm = json.loads((other / "sweeps/2.json").read_text())["arms"][0]["row"]
    assert arm["earlier_sweep"] == 1 and arm["earlier_overlap"] == pytest.approx(
        arm["pairs"] / arm["earlier_pairs"], abs=1e-3
    )
    changed = pl.read_parquet(other / "verdicts/verdicts.parquet").with_columns(status=pl.lit("incorrect"))
    changed.write_parquet(other / "verdicts/verdicts.parquet")
    assert "now 0; " in done("sweep", other, "--vary", "filter.gap.max=none,300", "--no-surfaces")


def test_a_note_of_many_arms_is_said_once(run):
    text = done("sweep", run, "--vary", "filter.gap.max=100,200,300,400", "--no-surfaces")
    assert len(re.findall("early stopping:", text)) == 1 and re.search(r"rows 1-4: early stopping: [\d,]+ to ", text)


def test_a_sweep_recommends_from_its_table(run):
    text = done("sweep", run, "--vary", "filter.gap.max=none,200", "--recommend", "--no-surfaces")
    assert "is dominated by row 1: fewer pairs" in text and "not dominated: row 1" in text


def test_none_is_a_value_of_a_key_that_has_it(run):
    arms = json.loads(done("sweep", run, "--vary", "filter.control=none,reversed", "--no-surfaces", "--json"))
    assert arms[0]["means"]["gap_tokens"] == -arms[1]["means"]["gap_tokens"]
    done("filter", run, "--view", "none", "--set", "filter.control=none")


def test_views_are_listed_with_what_differs_from_the_default(tmp_path):
    other = make_run(tmp_path / "run", 20).path
    done("filter", other)
    done("filter", other, "--view", "near", "--set", "filter.gap.max=300", "--set", "filter.pick=random")
    text = done("views", other)
    assert re.search(r"default +\d+ +\d+ +[0-9a-f]{16} +-", text) and "gap.max=300, pick=random" in text
    found = json.loads(done("views", other, "--json"))["views"]
    assert [view["view"] for view in found] == ["default", "near"]
    assert found[1]["differences"] == {"filter.gap.max": 300.0, "filter.pick": "random"}


def test_build_says_that_it_replaces_the_default_view(tmp_path, capsys):
    from pairforge.cli.build import print_replaced
    from pairforge.pipeline import run_recipe

    other = make_run(tmp_path / "run", 20)
    print_replaced(other.path, run_recipe(other))
    done("filter", other.path)
    print_replaced(other.path, run_recipe(other))
    assert capsys.readouterr().err == ""
    print_replaced(other.path, run_recipe(other, ["filter.gap.min=50"]))
    assert "this replaces the view 'default'" in (said := capsys.readouterr().err) and "filter.gap.min: 1 -> 50" in said


def test_a_contradictory_arm_is_a_row_with_a_note(run):
    arms = json.loads(done("sweep", run, "--vary", "filter.gap.max=50,none", "--set", "filter.gap.min=100", "--json"))
    assert arms[0]["pairs"] == 0 and "above max" in arms[0]["notes"][0]
    assert arms[1]["pairs"] > 0


def test_a_sweep_writes_a_table_and_keeps_views_when_asked(run, tmp_path):
    for name in ("s.csv", "s.parquet", "s.json"):
        done("sweep", run, "--vary", "filter.pick=shortest,random", "--out", tmp_path / name)
    done("sweep", run, "--vary", "filter.pick=shortest,random", "--figure", tmp_path / "s.svg", "--no-surfaces")
    assert "pick=random" in (tmp_path / "s.svg").read_text()
    table = pl.read_parquet(tmp_path / "s.parquet")
    assert table["filter.pick"].to_list() == ["shortest", "random"] and "gap_tokens_q50" in table.columns
    assert len(json.loads((tmp_path / "s.json").read_text())) == 2
    before = set(Run(run).views())
    done("sweep", run, "--vary", "seed=1,2", "--save-views", "seeds")
    assert set(Run(run).views()) - before == {"seeds-1", "seeds-2"}


def test_a_grid_file_names_arms_one_by_one_or_all_combinations(run, tmp_path):
    (tmp_path / "g.yaml").write_text("- {filter.gap.max: 300}\n- {filter.pick: random, filter.band: {n: 5}}\n")
    arms = json.loads(done("sweep", run, "--grid", tmp_path / "g.yaml", "--json"))
    assert arms[1]["pairs"] == 5
    (tmp_path / "g.yaml").write_text("filter.gap.max: [300, null]\nfilter.pick: [random, all]\n")
    assert len(json.loads(done("sweep", run, "--grid", tmp_path / "g.yaml", "--json"))) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--vary", "filter.gap.maxx=1"], "maxx"),
        (["--vary", "generator.sampling.max_tokens=1"], "cannot vary"),
        (["--vary", "filter.chat_template=own,training"], "cannot vary"),
        (["--vary", "filter.gap.max"], "no values"),
        ([], "rules to vary"),
        (["--vary", "filter.where='colour > 1'"], "no column 'colour'"),
    ],
)
def test_what_a_sweep_refuses(run, words, message):
    result = call("sweep", run, *words)
    assert isinstance(result.exception, PairforgeError) and message in str(result.exception)
    asked = call("sweep", run, *words, "--json")
    assert asked.exit_code == 1 and message in json.loads(asked.stdout)["error"]


def test_measures_of_the_text_are_computed_once_when_a_rule_names_them(run):
    done("filter", run, "--view", "calm", "--set", "filter.where=chosen_reflection_words < 12")
    record = json.loads((run / "views/calm/view.json").read_text())
    assert "where" in [step["step"] for step in record["funnel"]]
    table = pl.read_parquet(run / "lengths" / "quality-1.parquet")
    assert table["boxes"].max() == 1 and table["reflection_words"].max() > 12
    done("filter", run, "--view", "calm", "--set", "filter.chosen.quality.boxes.max=0")
    assert json.loads((run / "views/calm/view.json").read_text())["pairs"] == 0


def test_the_columns_of_the_source_are_read_when_something_names_them(run):
    done(
        "filter",
        run,
        "--view",
        "levels",
        "--set",
        "filter.where=meta.level >= 3",
        "--set",
        "format.columns=[meta.level]",
    )
    pairs = pl.read_parquet(run / "views/levels/pairs.parquet")
    assert pairs["meta.level"].dtype == pl.Int64 and pairs["meta.level"].min() == 3
    done("report", run, "--view", "levels")
    assert '<th class="wrap">meta.level</th>' in (run / "views/levels/report.html").read_text()
    arms = json.loads(done("sweep", run, "--vary", "filter.where=meta.level >= 3,meta.topic == 'algebra'", "--json"))
    assert arms[0]["pairs"] == pairs.height and arms[1]["pairs"] > 0
    assert "meta.mixed holds" in done("filter", run, "--view", "levels", "--set", "filter.where=meta.mixed != '1'")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("filter.where=meta.lvl > 1", r"no column 'meta.lvl'(.|\n)*meta.level \(integer\), meta.mixed \(text\)"),
        ("format.columns=[meta.lvl]", r"format.columns: there is no column 'meta.lvl'"),
        ("format.columns=[source]", r"pairs have the column 'source' already"),
    ],
)
def test_a_wrong_column_is_refused_with_the_list_of_all(run, override, message):
    result = call("filter", run, "--view", "wrong", "--set", override)
    assert isinstance(result.exception, PairforgeError) and re.search(message, str(result.exception))


MIX = "filter.mix=[{name: near, gap: {max: 200}}, {name: wrong, rejected: {origin: sampled, status: incorrect}}]"


def test_a_mix_is_told_per_part(run):
    done("filter", run, "--view", "mixed", "--set", "filter.gap={}", "--set", MIX)
    pairs = pl.read_parquet(run / "views/mixed/pairs.parquet")
    assert set(pairs["part"]) == {"near", "wrong"}
    record = json.loads((run / "views/mixed/view.json").read_text())
    assert {name: part["pairs"] for name, part in record["parts"].items()} == dict(pairs["part"].value_counts().rows())
    assert {step["part"] for step in record["funnel"]} == {"near", "wrong"}
    assert "part wrong" in done("show", run, "--view", "mixed", "-n", str(pairs.height))
    done("report", run, "--view", "mixed")
    page = (run / "views/mixed/report.html").read_text()
    assert "Parts of the mix" in page and "wrong.gap" not in page and "near.gap_max" in page
    text = done("sweep", run, "--set", "filter.gap={}", "--set", MIX, "--vary", "filter.mix.0.gap.max=100,200")
    assert re.search(r"row 2: near \d+, wrong \d+", text)


def test_show_tells_what_every_rule_said_of_a_dropped_problem(run):
    done("filter", run, "--view", "strict", "--set", "filter.gap.min=100", "--set", "filter.gap.max=300")
    drops = pl.read_parquet(run / "views/strict/drops.parquet")
    dropped = drops.filter(reason="gap_max")["subject"][0]
    text = done("show", run, "--view", "strict", "--id", dropped)
    assert "dropped by gap_max" in text and "given/0/0 > sampled/0/64: gap_max" in text
    assert re.search(r"given/0/0 +correct +\d+ +passes +origin", text)
    assert re.search(r"sampled/\d/64 +(correct|incorrect|truncated) +\d+ +origin", text)
    assert "So the answer is" in text
    paired = pl.read_parquet(run / "views/strict/pairs.parquet")
    text = done("show", run, "--view", "strict", "--id", paired["problem_id"][0])
    assert f"paired: {paired['id'][0]}" in text and ": passes" in text and f"pair {paired['id'][0]}" in text
    assert "no pair or problem 'zzz'" in str(call("show", run, "--view", "strict", "--id", "zzz").exception)


def test_diff_names_the_rule_that_made_the_difference(run):
    done("filter", run, "--view", "a")
    done("filter", run, "--view", "b", "--set", "filter.gap.min=400")
    assert "only in a" in done("diff", run, "a", "b")
    rows = json.loads(done("diff", run, "a", "b", "--json"))["problems"]
    assert {row["reason"] for row in rows} == {"gap_min"}


def test_show_prints_the_funnel_pairs_extremes_and_drops(run):
    done("filter", run, "--view", "v")
    assert "rejected_status" in done("show", run, "--view", "v")
    extremes = done("show", run, "--view", "v", "--extremes", "-n", "1")
    gaps = [
        int(line.split("gap ")[1].split()[0]) for line in extremes.splitlines() if "gap " in line and "tokens" in line
    ]
    pairs = pl.read_parquet(run / "views/v/pairs.parquet")
    assert gaps == [pairs["gap_tokens"].min(), pairs["gap_tokens"].max()]
    drops = done("show", run, "--view", "v", "--drops", "-n", "2")
    assert "no_candidate" in drops and "Problem" in drops
