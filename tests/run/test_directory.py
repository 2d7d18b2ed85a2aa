"""The run directory: what is written is read back, and nothing half-written is ever seen."""

import subprocess
from pathlib import Path

import pytest

from pairforge.errors import RunError
from pairforge.records import Drop, Problem, Sample, Verdict, to_row
from pairforge.run import Run, open_run


def make_run(path: Path, problems: int = 3) -> Run:
    run = Run(path)
    path.mkdir(parents=True, exist_ok=True)
    run.write_recipe("seed: 0\n")
    with run.given_writer() as add:
        for number in range(problems):
            add([Sample(f"p{number}", 0, "given", f"long {number}", "thought", "answer", model="teacher")])
    run.write_sources([Problem(f"p{n}", f"q{n}", str(n), "s") for n in range(problems)], [Drop("s:9", "source", "bad")])
    return run


def sampled(problem: str, draw: int, max_tokens: int = 8, text: str = "short") -> Sample:
    return Sample(problem, draw, "sampled", text, None, text, model="m", max_tokens=max_tokens, finish_reason="stop")


def test_problems_drops_and_given_samples_are_read_back(tmp_path: Path):
    run = make_run(tmp_path / "r")
    assert [p.id for p in run.each_problem()] == ["p0", "p1", "p2"]
    assert [d.subject for d in run.source_drops()] == ["s:9"]
    assert {s.text for s in run.each_sample()} == {"long 0", "long 1", "long 2"}


def test_samples_are_the_same_before_and_after_compaction(tmp_path: Path):
    run = make_run(tmp_path / "r")
    with run.sample_log() as log:
        for n in range(3):
            log.append(to_row(sampled(f"p{n}", 0)))
    with run.verdict_log() as log:
        log.append(to_row(Verdict("p0/sampled/0/8", "correct", "0", "exact", "", "1")))
    before = sorted(s.key for s in run.each_sample()), run.sample_table().sort("sample_key").rows()
    run.compact()
    assert not (run.path / "samples" / "sampled.jsonl").exists()
    assert before == (sorted(s.key for s in run.each_sample()), run.sample_table().sort("sample_key").rows())
    assert run.verdict_table()["status"].to_list() == ["correct"]


def test_the_log_goes_on_after_compaction(tmp_path: Path):
    run = make_run(tmp_path / "r")
    for n in range(3):
        with run.sample_log() as log:
            log.append(to_row(sampled(f"p{n}", 0)))
        run.compact()
    assert len(list(run.sampled())) == 3 and run.sample_count() == 6


def test_a_larger_budget_of_the_same_draw_stands_for_it(tmp_path: Path):
    run = make_run(tmp_path / "r")
    with run.sample_log() as log:
        log.append(to_row(sampled("p0", 0, max_tokens=64)))
        log.append(to_row(sampled("p0", 0, max_tokens=8)))
    table = run.sample_table()
    drawn = table.filter(table["origin"] == "sampled")
    assert drawn["max_tokens"].to_list() == [64]


def test_the_latest_verdict_of_a_sample_counts(tmp_path: Path):
    run = make_run(tmp_path / "r")
    with run.verdict_log() as log:
        log.append(to_row(Verdict("p0/given/0/0", "timeout", "", "", "", "1")))
        log.append(to_row(Verdict("p0/given/0/0", "correct", "0", "exact", "", "2")))
    assert run.verdict_table()["status"].to_list() == ["correct"]


def test_texts_are_fetched_by_key(tmp_path: Path):
    run = make_run(tmp_path / "r")
    assert run.texts(["p1/given/0/0"])["p1/given/0/0"].text == "long 1"


def test_a_view_appears_as_a_whole_or_not_at_all(tmp_path: Path):
    run = make_run(tmp_path / "r")
    with pytest.raises(KeyError), run.new_view("v") as folder:
        (folder / "view.json").write_text("{}")
        raise KeyError
    assert run.views() == []
    with run.new_view("v") as folder:
        (folder / "view.json").write_text("{}")
    assert run.views() == ["v"]
    with pytest.raises(KeyError), run.new_view("v") as folder:
        raise KeyError
    assert (run.view("v") / "view.json").exists()


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "a" * 200])
def test_a_view_name_cannot_leave_the_run(tmp_path: Path, name: str):
    with pytest.raises(RunError, match="cannot name a view"):
        make_run(tmp_path / "r").view(name)


def test_an_unknown_run_or_view_names_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    run = make_run(Path("runs/mine"))
    with pytest.raises(RunError, match="mine"):
        open_run("yours")
    assert open_run("mine").path == Path("runs/mine")
    with pytest.raises(RunError, match="none yet"):
        run.view("default")


def test_a_damaged_manifest_is_named(tmp_path: Path):
    run = make_run(tmp_path / "r")
    (run.path / "manifest.json").write_text("{")
    with pytest.raises(RunError, match=r"manifest\.json"):
        run.manifest()


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"):
        Run(tmp_path / "file" / "run").write_recipe("x")


def test_a_view_that_was_set_aside_by_a_process_that_died_is_put_back(tmp_path: Path):
    run = make_run(tmp_path / "r")
    with run.new_view("v") as folder:
        (folder / "view.json").write_text("{}")
    dead = subprocess.Popen(["true"])
    dead.wait()
    run.view("v").rename(run.path / "views" / f".v.{dead.pid}.old")  # killed between its two renames
    assert run.views() == []
    run.remove_leftovers()
    assert run.views() == ["v"]
    assert not list((run.path / "views").glob(".*"))
