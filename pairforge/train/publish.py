"""A trained model on the Hub."""

from __future__ import annotations

from pathlib import Path

from pairforge.errors import HubError


def push_model(folder: Path, repo: str, *, private: bool = True) -> str:
    """Upload a trained model's folder as one commit, without its checkpoints; returns the commit's address.

    Raises `HubError` when the Hub refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi()
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        commit = api.upload_folder(
            folder_path=folder,
            repo_id=repo,
            ignore_patterns=["checkpoints/*", ".*"],
            commit_message="Upload the trained model",
        )
    except (HfHubHTTPError, OSError) as error:
        raise HubError(
            f"cannot push to '{repo}': {str(error).splitlines()[0]}",
            hint="`hf auth login` with a token that may write; the model is kept on disk",
        ) from None
    return str(commit.commit_url)
