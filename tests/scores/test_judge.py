"""The judge: what it is asked, how its answer is read, and a whole score against a server."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pairforge.cli import app, scores, views  # noqa: F401  (importing registers the commands)
from pairforge.errors import RunError
from pairforge.pipeline import open_session
from pairforge.pipeline.score import Wanted, score_judge
from pairforge.run import Run, read_score
from pairforge.scores.rubric import RUBRIC, judge_prompt, read_grade, read_rubric
from tests.generator.openai_server import OpenAIServer, Reply
from tests.synthetic import make_run


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("The steps hold.\nScore: 7", 7),
        ("**Score:** 7.5/10", 7.5),
        ("Score: **8**", 8),
        ("Score = 3\nOn reflection, score: 4", 4),
        ('```json\n{"reason": "fine", "Score": 6}\n```', 6),
        ("9", 9),
        (" 9/10.", 9),
        ("<think>\nScore: 2\n</think>\n\nScore: 5", 5),
        ("$\\boxed{7}$, so the score is $\\boxed{7}$", 7),
        ("Score: -1", None),
        ("Score: 11", None),
        ("I cannot tell.", None),
        ("Score: high", None),
        ('{"score": true}', None),
        ('{"score": "7"}', 7),
        ('{"verdict": 7}', None),
        ("{" * 5000, None),
        ("<think>\nScore: 2", None),
        ("There are 7 steps.", None),
        ("", None),
    ],
)
def test_reading_a_grade(text: str, grade: float | None):
    found, why = read_grade(text, 0, 10)
    assert found == grade and (grade is None) == bool(why)


@given(st.text(), st.integers(0, 100))
def test_a_grade_is_read_behind_any_text(before: str, grade: int):
    assert read_grade(f"{before.replace('<', '')}\nScore: {grade}", 0, 100) == (float(grade), "")


def test_a_solution_cannot_fill_the_places_of_the_rubric():
    [turn] = judge_prompt("{question} | {answer} | {solution}", "q", "secret", "{answer} {question}")
    assert turn == {"role": "user", "content": "q | secret | {answer} {question}"}


def test_a_rubric_must_show_the_solution(tmp_path: Path):
    assert read_rubric(None) == RUBRIC
    (tmp_path / "r.txt").write_text("Grade {question}")
    with pytest.raises(RunError, match="does not show the solution"):
        read_rubric(tmp_path / "r.txt")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run", 6)


def grade(body: dict[str, Any], attempt: int) -> str:
    """A judge that likes short texts, says nothing of use about problem 1, and fails at problem 2."""
    text = body["messages"][0]["content"]
    if "Problem 2:" in text:
        raise Reply(400)
    return "Hard to say." if "Problem 1:" in text else f"Fine.\nScore: {9 if len(text) < 1200 else 4}"


def test_a_judge_gives_a_grade_or_a_status(run: Run):
    with OpenAIServer(grade) as server:
        wanted = Wanted("grade", "nano", engine={"base_urls": [server.url]})
        record = score_judge(open_session(run), wanted)
        asked = len(server.requests)
        assert score_judge(open_session(run), wanted).counts == record.counts
    table = read_score(run, "grade")
    statuses = {number: set() for number in range(6)}
    for problem, number in zip(run.each_problem(), range(6), strict=True):
        rows = table.filter(table["sample_key"].str.starts_with(problem.id))
        statuses[number] = set(rows["grade_status"])
        assert rows["grade"].is_null().all() == (number in (1, 2))
    assert statuses == {0: {"scored"}, 1: {"unreadable"}, 2: {"error"}, 3: {"scored"}, 4: {"scored"}, 5: {"scored"}}
    assert asked == table.height == run.sample_count()
    assert len(server.requests) - asked == record.counts["error"]  # only errors are tried again


def test_the_command_judges_the_solutions_of_a_view(run: Run, tmp_path: Path):
    CliRunner().invoke(app, ["filter", str(run.path), "--set", "filter.n_pairs=2"])
    (tmp_path / "mine.txt").write_text("Is {answer} reached well? {solution}\nScore: 0 to 1")
    with OpenAIServer(lambda body, attempt: "Score: 0.5") as server:
        words = ["--judge", "nano", "--name", "grade", "--base-url", server.url, "--rubric", tmp_path / "mine.txt"]
        words += ["--scale", 0, 1, "--view", "default", "--engine", "retries=1", "--json"]
        result = CliRunner().invoke(app, ["score", str(run.path), *map(str, words)])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["counts"] == {"scored": 4} and record["made_from"]["rubric"].startswith("mine.txt ")
    assert "reached well?" in server.requests[0]["messages"][0]["content"]
    with OpenAIServer(lambda body, attempt: "Score: 0.5") as server:
        words = ["score", str(run.path), "--judge", "nano", "--name", "grade", "--base-url", server.url, "--json"]
        result = CliRunner().invoke(app, words)
    assert result.exit_code == 1 and "was made otherwise" in json.loads(result.stdout)["error"]


def test_two_places_at_once_are_refused(run: Run):
    words = ["score", str(run.path), "--judge", "a", "--reward", "b", "--name", "x", "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1 and "one place" in json.loads(result.stdout)["error"]
