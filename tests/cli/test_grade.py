"""`pairforge grade`: what it takes from a file, what it shows and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pairforge.cli import app, grade  # noqa: F401  (importing registers the command)
from pairforge.intervals import exact_share

ROWS = [
    {"id": "a", "answer": "20\\%", "response": "\\boxed{20}"},
    {"id": "b", "answer": "5", "response": "\\boxed{5}"},
    {"id": "c", "answer": "5", "response": "\\boxed{6}"},
    {"id": "d", "answer": "", "response": "\\boxed{6}"},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["grade", *map(str, words), "--workers", "1"])


def test_the_summary_shows_accuracy_its_interval_and_what_was_undecided(file: Path):
    done = run(file)
    assert done.exit_code == 0, done.output
    share = exact_share(2, 4)
    interval = f"95% interval {share.low:.1%} to {share.high:.1%}"
    assert f"accuracy  50.0% ({interval}); 1 undecided, counted as wrong" in done.stdout


def test_json_has_the_figures_of_the_summary(file: Path):
    done = run(file, "--json")
    share = exact_share(2, 4)
    assert json.loads(done.stdout) == {
        "file": str(file),
        "rows": 4,
        "counts": {"correct": 2, "incorrect": 1, "gold_unparsed": 1},
        "accuracy": {"value": share.value, "low": share.low, "high": share.high},
        "undecided": 1,
        "output": "",
    }


def test_an_empty_file_has_no_accuracy(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("answer,response\n")
    assert json.loads(run(path, "--json").stdout)["accuracy"] is None
    assert "accuracy" not in run(path).stdout


def test_one_line_says_which_columns_were_taken(file: Path):
    taken = "gold answers: column 'answer'; responses: column 'response'; rows named by column 'id'\n"
    assert run(file).stderr == run(file, "--json").stderr == run(file, "--gold", "answer").stderr == taken
    assert run(file, "--gold", "answer", "--response", "response", "--id", "id").stderr == ""


def test_rows_without_a_column_of_names_are_numbered(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text('answer,completion\n5,"so 5, I\n think: \\boxed{5}"\n0.50,0.5\n')
    done = run(path, "-o", tmp_path / "out.jsonl")
    assert "rows named by their number" in done.stderr
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["id"], row["status"]) for row in written] == [("0", "correct"), ("1", "correct")]


def test_the_id_column_names_the_rows(file: Path, tmp_path: Path):
    run(file, "-o", tmp_path / "out.jsonl")
    written = [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert written == ["a", "b", "c", "d"]
    assert dict(json.loads(run(file, "--explain", "c", "--json").stdout))["decision"].startswith("incorrect")


def test_percent_signs_count_as_chosen(file: Path):
    for choice, correct in (("lenient", 2), ("strict", 1)):
        assert json.loads(run(file, "--percent", choice, "--json").stdout)["counts"]["correct"] == correct
        decision = json.loads(run(file, "--percent", choice, "--explain", "a", "--json").stdout)["decision"]
        assert f"percent {choice}" in decision
    assert run(file, "--percent", "maybe").exit_code == 2


def test_an_unclear_column_is_an_error_in_json_too(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"gold": "5", "gt": "5", "response": "5"}')
    done = run(path, "--json")
    error = json.loads(done.stdout)
    assert done.exit_code == 1 and "gold, gt" in error["error"] and "--gold" in error["hint"]


def test_an_empty_list_of_responses_is_counted(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"gold": "5", "response": []}\n{"gold": "5", "response": ["5"]}\n')
    done = run(path, "--json", "-o", tmp_path / "out.jsonl")
    figures = json.loads(done.stdout)
    assert figures["counts"] == {"no_answer": 1, "correct": 1} and figures["accuracy"]["value"] == 0.5
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert first["id"] == "0" and first["status"] == "no_answer" and "empty" in first["detail"]
    assert "empty" in json.loads(run(path, "--explain", "0", "--json").stdout)["row"]
