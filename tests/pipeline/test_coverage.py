"""What exports make of the problems that a view's pairs leave out."""

import json

import pytest
from typer.testing import CliRunner

from pairforge.cli import app, publish  # noqa: F401  (importing registers the commands)
from pairforge.pipeline.coverage import KINDS, coverage
from pairforge.pipeline.exporting import export_view, view_session
from pairforge.pipeline.reporting import make_report
from tests.export.runs import RECIPE, nano_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = RECIPE.replace("gap: {min: 1}", "gap: {min: 60}") + "export: {sft: {solutions: correct}}\n"
    return nano_run(tmp_path_factory.mktemp("coverage") / "run", recipe=recipe)


def test_the_summary_counts_what_each_export_really_holds(run, tmp_path):
    found = coverage(view_session(run, "default"), "default")
    for kind in KINDS:
        done = export_view(run, "default", "trl" if kind == "pairs" else kind, tmp_path / kind)
        rows = [json.loads(line) for line in (done.folder / "train.jsonl").read_text().splitlines()]
        mine = found.problems.filter(kind)["problem_id"].to_list()
        assert set(mine) == {row["problem_id"] for row in rows} and found.rows[kind] == len(rows), kind


def test_hardly_a_problem_with_a_decided_verdict_is_lost(run):
    found = coverage(view_session(run, "default"), "default")
    assert found.counts["pairs"] < 0.9 * found.problems.height
    assert found.covered >= 0.95 * found.problems.height
    assert sum(n for _, n in found.combinations) == found.problems.height


def test_the_same_problem_is_never_on_both_sides_of_any_two_exports(run, tmp_path):
    sides: dict[str, set[str]] = {"train": set(), "test": set()}
    for name in ("trl", "kto", "sft", "rlvr"):
        done = export_view(run, "default", name, tmp_path / name, eval_share=0.3)
        for split, ids in sides.items():
            ids |= {
                json.loads(line)["problem_id"] for line in (done.folder / f"{split}.jsonl").read_text().splitlines()
            }
    assert sides["train"] and sides["test"] and not sides["train"] & sides["test"]


def test_the_command_and_the_report_say_it(run):
    done = CliRunner().invoke(app, ["export", str(run.path), "--summary"])
    assert "problems with a decided verdict" in done.output and "labeled solutions" in done.output
    listed = json.loads(CliRunner().invoke(app, ["export", str(run.path), "--summary", "--json"]).output)
    assert listed["decided"] == len(listed["problems"]) and listed["covered"] <= listed["decided"]
    page = make_report(run, "default").read_text()
    assert "Exports" in page and "have a row in some format" in page


def test_a_mix_has_no_labels_and_everything_else(tmp_path):
    parts = "[{name: all, chosen: {origin: given}, rejected: {origin: sampled}}]"
    recipe = RECIPE.replace("gap: {min: 1}", f"mix: {parts}")
    run = nano_run(tmp_path / "run", recipe=recipe)
    found = coverage(view_session(run, "default"), "default")
    assert found.counts["kto"] == 0 < found.counts["pairs"] == found.counts["sft"]
