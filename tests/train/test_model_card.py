"""Names on a model card: Hub ids as they are, local paths without their folders."""

from pathlib import Path

import pytest

from pairforge.train.model_card import model_card, public_name


def record(model: str, data: str) -> dict[str, object]:
    settings = {"method": "dpo", "model": model, "revision": None, "global_batch_size": 48, "trl": {"beta": 0.01}}
    return {
        "settings": {**settings, "lora": None, "learning_rate_source": "set"},
        "data": {"name": data, "revision": "abc", "rows": 10, "facts": {}},
        "findings": [{"name": "disk", "text": "free at /home/someone"}, {"name": "rows", "text": "10 rows"}],
        "steps": 5, "seconds": 1.0, "loss": 0.5, "device": "2 CPU cores", "warnings": ["margins | explode"],
        "versions": {"trl": "1.16.0"}, "merged": False,
    }  # fmt: skip


def test_hub_names_are_linked():
    card = model_card(record("Qwen/Qwen2.5-3B", "me/pairs"), "mine")
    assert "base_model: Qwen/Qwen2.5-3B" in card
    assert "- me/pairs" in card
    assert "**Warning**: margins | explode" in card


def test_the_sources_of_the_pairs_are_linked_and_named():
    written = record("Qwen/Qwen2.5-3B", "mine, view default")
    written["data"]["facts"] = {"sources": ["ana/answers", "/home/ana/problems.jsonl"]}  # type: ignore[index]
    card = model_card(written, "mine")
    assert "datasets:\n- ana/answers\n" in card
    assert "Made from `ana/answers`, `problems.jsonl`." in card and "/home/ana" not in card


def test_local_paths_are_neither_linked_nor_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "models" / "own").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    card = model_card(record("models/own", str(tmp_path / "pairs.jsonl")), "mine")
    assert "base_model" not in card
    assert "datasets:" not in card
    assert str(tmp_path) not in card
    assert "/home/someone" not in card
    assert public_name("models/own") == "own"


def test_a_local_folder_can_be_named(tmp_path: Path):
    written = record(str(tmp_path), "me/pairs")
    card = model_card(written | {"settings": {**written["settings"], "model_name": "me/my-7b"}}, "mine")  # type: ignore[dict-item]
    assert "base_model: me/my-7b" in card and "`me/my-7b` trained by" in card and tmp_path.name not in card
