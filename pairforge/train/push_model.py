"""A trained model on the Hub."""

from __future__ import annotations

import json
from pathlib import Path

from pairforge.errors import HubError, TrainError
from pairforge.hub.client import call, open_api
from pairforge.train.model_card import on_hub

# Checkpoints are for going on, and train.json names folders of this machine: the card says what it says.
LEFT_OUT = ("checkpoints/*", ".*", "train.json")


def push_model(folder: Path, repo: str, *, private: bool = True) -> str:
    """Upload a trained model's folder as one commit, without its checkpoints; returns the commit's address.

    An adapter beside its merged model goes along only when its base model is on the Hub as well: the adapter names
    it. Raises `HubError` when the Hub refuses, or when the repository is public and a private one was asked for;
    `TrainError` when the folder holds no finished model.
    """
    record = json.loads((folder / "train.json").read_text(encoding="utf-8")) if (folder / "train.json").exists() else {}
    if "finished" not in record:
        raise TrainError(f"{folder} holds no finished training run", hint="give the same `pairforge train` again")
    left_out = [*LEFT_OUT] if on_hub(record["settings"]["model"]) else [*LEFT_OUT, "adapter/*"]
    api = open_api()
    call(f"create '{repo}'", lambda: api.create_repo(repo, private=private, exist_ok=True))
    if private and not call(f"look at '{repo}'", lambda: api.model_info(repo)).private:
        hint = "choose another name, or make it private on the Hub first; nothing was changed"
        raise HubError(f"{repo} exists and is public", hint=hint)
    commit = call(
        f"upload to '{repo}'",
        lambda: api.upload_folder(
            folder_path=folder, repo_id=repo, ignore_patterns=left_out, commit_message="Upload the trained model"
        ),
    )
    return str(commit.commit_url)
