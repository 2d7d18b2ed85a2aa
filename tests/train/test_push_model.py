"""A trained model on a stand-in Hub: what goes up, what stays, and who may load it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pairforge.errors import HubError, TrainError
from pairforge.train import TrainData, resolve, train
from pairforge.train.push_model import push_model
from tests.hub.conftest import hub  # noqa: F401  (a fixture)
from tests.hub.store import Repo

BLOCK = {"max_steps": 2, "global_batch_size": 4, "per_device_train_batch_size": 4, "save_steps": 1}


def trained(model: Path, rows: list[dict[str, Any]], out: Path, **block: Any) -> Path:
    train(TrainData(rows, "pairs", "r1"), resolve({"model": str(model), **BLOCK, **block}), out, say=lambda text: None)
    return out


def test_a_pushed_model_loads_from_the_hub_and_names_no_folder_of_this_machine(
    hub: Any,  # noqa: F811
    tiny_model: Path,
    pairs: list[Any],
    tmp_path: Path,
):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = trained(tiny_model, pairs, tmp_path / "model", lora=True)
    assert push_model(folder, "ana/thinker").startswith(hub.url)
    repo = hub.repo("ana/thinker")
    assert repo.private
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json", "log.csv", "figure.png"} <= set(
        repo.tree()
    )
    assert not [f for f in repo.tree() if f.startswith(("checkpoints/", "adapter/")) or f == "train.json"]
    texts = [blob.content for blob in repo.tree().values() if blob.content]
    assert texts and not any(str(tmp_path).encode() in text for text in texts)
    ours = AutoModelForCausalLM.from_pretrained(folder)
    theirs = AutoModelForCausalLM.from_pretrained("ana/thinker", cache_dir=tmp_path / "cache")
    assert all((a == b).all() for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    assert AutoTokenizer.from_pretrained("ana/thinker", cache_dir=tmp_path / "cache").chat_template


def test_the_repository_of_somebody_else_is_refused(
    hub: Any,  # noqa: F811
    tiny_model: Path,
    pairs: list[Any],
    tmp_path: Path,
):
    folder = trained(tiny_model, pairs, tmp_path / "model", save_strategy="no")
    with pytest.raises(HubError, match="bob/thinker"):
        push_model(folder, "bob/thinker")
    assert (folder / "model.safetensors").exists()


def test_a_public_repository_is_refused_while_the_push_is_private(hub: Any, tmp_path: Path):  # noqa: F811
    record = {"settings": {"model": "m"}, "finished": "today"}
    (tmp_path / "train.json").write_text(json.dumps(record))
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# thinker\n")
    repo = hub.store.repos["ana/thinker"] = Repo("ana/thinker", private=False)
    before = set(repo.tree())
    with pytest.raises(HubError, match="ana/thinker exists and is public") as caught:
        push_model(tmp_path, "ana/thinker")
    assert "nothing was changed" in caught.value.hint and set(repo.tree()) == before
    push_model(tmp_path, "ana/thinker", private=False)
    assert "README.md" in repo.tree()


def test_what_is_not_finished_is_not_pushed(hub: Any, tmp_path: Path):  # noqa: F811
    with pytest.raises(TrainError, match="no finished training run"):
        push_model(tmp_path, "ana/thinker")
    (tmp_path / "train.json").write_text(json.dumps({"settings": {"model": "m"}}))
    with pytest.raises(TrainError, match="no finished training run"):
        push_model(tmp_path, "ana/thinker")
    assert hub.requests == []
