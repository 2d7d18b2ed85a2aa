"""Grading files: every row comes out, whatever is wrong with it."""

import json
from pathlib import Path

import pytest

from pairforge.errors import VerifierError
from pairforge.verifier import Verifier, explain
from pairforge.verifier.files import grade_rows, read_rows


def graded(path: Path, **columns: str) -> list[tuple[str, str]]:
    with Verifier(workers=1) as verifier:
        return [(v.sample_key, v.status) for _, v in grade_rows(read_rows(path, **columns), verifier)]


def test_bad_rows_are_recorded_and_the_others_graded(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps({"q": "5", "a": "\\boxed{5}"}),
        json.dumps({"q": "5"}),
        "[1]",
        json.dumps({"q": 7, "a": "\\boxed{7}"}),
        '{"q": "5", "a',
    ]
    path.write_text("\n".join(lines))
    assert graded(path, gold="q", response="a") == [
        ("0", "correct"), ("1", "error"), ("2", "error"), ("3", "correct"), ("4", "error"),
    ]  # fmt: skip


def test_lists_of_responses_and_named_rows(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"n": "p1", "q": "5", "a": ["\\boxed{5}", "\\boxed{6}", None]}))
    assert graded(path, gold="q", response="a", id_column="n") == [
        ("p1/0", "correct"),
        ("p1/1", "incorrect"),
        ("p1/2", "no_answer"),
    ]


def test_parquet(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    rows = {"q": ["5", "6"], "a": ["\\boxed{5}", "I stop in the mid"], "finish_reason": ["stop", "length"]}
    pq.write_table(pa.table(rows), path)
    assert graded(path, gold="q", response="a") == [("0", "correct"), ("1", "truncated")]
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(VerifierError, match="parquet"):
        graded(path, gold="q", response="a")


def test_a_missing_column_or_file_is_a_clear_error(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"question": "5", "answer": "5"}))
    with pytest.raises(VerifierError, match=r"no column gold[\s\S]*question, answer"):
        graded(path, gold="gold", response="answer")
    with pytest.raises(VerifierError, match="no such file"):
        graded(tmp_path / "b.jsonl", gold="gold", response="answer")


def test_explain_names_every_step():
    steps = dict(explain("50\\%", "<think>half</think>The percentage is \\boxed{50}."))
    assert steps["gold answer"].startswith("50\\%") and steps["answer"].startswith("50 ")
    assert "percent" in steps["percent"] and steps["decision"].startswith("correct")
