"""Rows to train on, from files in TRL's formats."""

import json
from pathlib import Path
from typing import Any

import pytest

from pairforge.errors import SourceError, TrainError
from pairforge.train import from_dataset, from_view
from tests.hub.runs import SOURCE, small_run


def write(folder: Path, rows: list[dict[str, Any]]) -> str:
    file = folder / "data.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_conversations_with_a_prompt(tmp_path: Path, pairs: list[dict[str, Any]]):
    data = from_dataset(write(tmp_path, [{**p, "id": "extra"} for p in pairs]), "dpo")
    assert data.rows == pairs
    assert data.revision


def test_a_prompt_inside_both_sides_is_taken_out(tmp_path: Path, pairs: list[dict[str, Any]]):
    implicit = [{side: p["prompt"] + p[side] for side in ("chosen", "rejected")} for p in pairs]
    assert from_dataset(write(tmp_path, implicit), "dpo").rows == pairs


def test_sft_takes_the_chosen_side_or_a_completion(tmp_path: Path, pairs: list[dict[str, Any]]):
    chosen = [{"prompt": p["prompt"], "chosen": p["chosen"]} for p in pairs]
    assert from_dataset(write(tmp_path, pairs), "sft").rows == chosen
    completions = [{"prompt": p["prompt"], "completion": p["chosen"]} for p in pairs]
    assert from_dataset(write(tmp_path, completions), "sft").rows == chosen


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"question": "1+1?", "long": "2"}, ["'prompt'", "columns: question, long"]),
        ({"prompt": "1+1?", "chosen": "2", "rejected": None}, ["'rejected'", "row 1"]),
        ({"prompt": "1+1?", "chosen": ["2"], "rejected": "3"}, ["'chosen'", "messages"]),
    ],
)
def test_a_dataset_without_the_columns_says_what_it_has(tmp_path: Path, row: dict[str, Any], words: list[str]):
    with pytest.raises(TrainError) as error:
        from_dataset(write(tmp_path, [row]), "dpo")
    for word in words:
        assert word in str(error.value)


def test_text_and_messages_do_not_mix(tmp_path: Path, pairs: list[dict[str, Any]]):
    with pytest.raises(TrainError, match="some rows hold messages"):
        from_dataset(write(tmp_path, [pairs[0], {"prompt": "a", "chosen": "b", "rejected": "c"}]), "dpo")


def test_broken_lines_are_counted(tmp_path: Path, pairs: list[dict[str, Any]]):
    file = Path(write(tmp_path, pairs))
    file.write_text(file.read_text() + "{broken\n")
    assert from_dataset(str(file), "dpo").skipped == 1


def test_a_missing_file_is_a_source_error():
    with pytest.raises(SourceError):
        from_dataset("./nowhere.jsonl", "dpo")


def test_a_view_names_the_datasets_it_was_made_from(tmp_path: Path):
    made = small_run(tmp_path / "run")
    [entry] = made.manifest().to_json()["sources"]
    joined = {"source": "ana/answers#test", "revision": "r1", "license": "mit"}
    made.update_manifest(sources=[{**entry, "source": f"{SOURCE}#extended", "gold_from": joined}, {**entry}])
    assert from_view(made, "default", "dpo").facts["sources"] == ["ana/answers", SOURCE]


def test_a_dataset_says_its_template_switches_as_trl_does(tmp_path: Path, pairs: list[dict[str, Any]]):
    switched = [{**pair, "chat_template_kwargs": {"enable_thinking": False, "effort": None}} for pair in pairs]
    assert from_dataset(write(tmp_path, switched), "dpo").template_kwargs == {"enable_thinking": False}
    assert from_dataset(write(tmp_path, pairs), "dpo").template_kwargs == {}
    with pytest.raises(TrainError, match="2 different chat_template_kwargs"):
        from_dataset(write(tmp_path, [*switched, *pairs]), "dpo")
