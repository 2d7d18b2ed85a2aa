"""Reading labelled completions of other projects."""

import json
from pathlib import Path

import pytest

from benchmarks.verifier_real import Labelled, main, percent_on_one_side, read_folder


def test_labels_are_read_under_their_usual_names(tmp_path: Path):
    rows = [
        {"gold": "5", "response": "It is 5.", "is_correct": True},
        {"gt": "5", "answer": "#### 5", "code": ["It is 5.", "It is 6."], "score": [True, False]},
        {"ground_truth": "5", "small model": {"solution": "It is 6.", "is_correct": False}},
        {"gold": "5", "response": "It has no label."},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert list(read_folder(tmp_path)) == [
        Labelled("a.jsonl", "5", "It is 5.", True),
        Labelled("a.jsonl", "#### 5", "It is 5.", True),
        Labelled("a.jsonl", "#### 5", "It is 6.", False),
        Labelled("a.jsonl", "5", "It is 6.", False),
    ]


@pytest.mark.parametrize(
    ("gold", "answer", "side"),
    [("20", "20\\%", "answer"), ("20 percent", "20", "gold"), ("20%", "20%", ""), ("20", "30%", ""), ("20", "x%", "")],
)
def test_a_percent_sign_on_one_side_is_seen(gold: str, answer: str, side: str):
    assert percent_on_one_side(gold, answer) == side


def test_disagreements_are_written_for_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    rows = [
        {"gold": "5", "response": "\\boxed{5}", "label": False},
        {"gold": "5", "response": "\\boxed{6}", "label": True},
        {"gold": "5", "response": "Sorry.", "label": True},
        {"gold": "5", "response": "\\boxed{5}", "label": True},
    ]
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("sys.argv", ["verifier_real", str(folder)])
    main()
    for name in ("ours_correct", "ours_incorrect", "undecided"):
        assert len((tmp_path / "set-read" / f"{name}.jsonl").read_text().splitlines()) == 1
    assert "| all | 4 | 3 | 1 | 1 | 1 | 1 | 1 |" in capsys.readouterr().out
