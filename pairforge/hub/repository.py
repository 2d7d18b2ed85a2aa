"""What is in a dataset repository, what a push would change there, and what it must not.

Content is compared by hash, and a revision is always read at one commit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

from pairforge.errors import HubError
from pairforge.hub.client import call
from pairforge.hub.contents import CARD, MANIFEST, Contents, file_sha256


@dataclass(frozen=True, slots=True)
class Target:
    """Where to publish. `revision` is a branch, made from main when missing. `pull_request` proposes the change
    instead of making it. `replace` allows to take out configs, or to overwrite a card, that this push does not know."""

    repo: str
    private: bool = True
    revision: str = "main"
    pull_request: bool = False
    tag: str = ""
    replace: bool = False
    read_back: bool = True


@dataclass(frozen=True, slots=True)
class Remote:
    """A revision as it is: its commit, the content hash of every file, and the manifest pairforge left there."""

    commit: str
    files: Mapping[str, str]
    manifest: Mapping[str, Any]

    def managed(self, contents: Contents) -> dict[str, str]:
        """The files that are ours to change: those of the last push and those of this one."""
        ours = {*self.manifest.get("files", {}), *contents.files}
        return {path: oid for path, oid in self.files.items() if path in ours}


@dataclass(slots=True)
class Local:
    """The files to publish with the two hashes the Hub may know them by."""

    files: Mapping[str, Path]
    _known: dict[str, frozenset[str]] = field(default_factory=dict)

    def hashes(self, path: str) -> frozenset[str]:
        """SHA-256 (large files) and git's blob id (small ones)."""
        if path not in self._known:
            self._known[path] = frozenset({file_sha256(self.files[path]), git_blob_id(self.files[path])})
        return self._known[path]


def differences(local: Local, remote: Remote) -> list[str]:
    """The paths to send, and those of the last push that are to go."""
    send = [path for path in local.files if remote.files.get(path) not in local.hashes(path)]
    gone = [path for path in remote.manifest.get("files", {}) if path in remote.files and path not in local.files]
    return send + gone


def open_repository(api: HfApi, target: Target) -> bool:
    """Find the dataset repository, or make it; returns whether it is private. Never changes its visibility.

    Raises `HubError` for a repository that moved, or that is public when a private push was asked for.
    """

    def find() -> Any:
        try:
            return api.dataset_info(target.repo)
        except RepositoryNotFoundError:
            return None

    info = call(f"look at {target.repo}", find)
    if info is None:

        def create() -> object:
            return api.create_repo(target.repo, repo_type="dataset", private=target.private, exist_ok=True)

        call(f"create the dataset repository {target.repo}", create)
        info = call(f"look at {target.repo}", lambda: api.dataset_info(target.repo))
    if info.id != target.repo:
        raise HubError(f"{target.repo} is now called {info.id}", hint=f"push to {info.id}; nothing was changed")
    if target.private and not info.private:
        hint = "push with --public if that is meant, or choose another name; nothing was changed"
        raise HubError(f"{target.repo} exists and is public", hint=hint)
    if target.revision != "main":
        call(
            f"create the branch {target.revision}",
            lambda: api.create_branch(target.repo, branch=target.revision, repo_type="dataset", exist_ok=True),
        )
    return bool(info.private)


def read_remote(api: HfApi, target: Target, revision: str = "") -> Remote:
    """The state of the target's revision (or of `revision`), read at one commit."""
    what = f"read {target.repo}"
    wanted = revision or target.revision
    commit = call(what, lambda: str(api.dataset_info(target.repo, revision=wanted).sha))
    return Remote(commit, *call(what, lambda: _files_and_manifest(api, target.repo, commit)))


def _files_and_manifest(api: HfApi, repo: str, commit: str) -> tuple[dict[str, str], dict[str, Any]]:
    files: dict[str, str] = {}
    for entry in api.list_repo_tree(repo, repo_type="dataset", revision=commit, recursive=True):
        if isinstance(entry, RepoFile):
            files[entry.path] = entry.lfs.sha256 if entry.lfs else entry.blob_id
    manifest: dict[str, Any] = {}
    if MANIFEST in files:
        text = Path(api.hf_hub_download(repo, MANIFEST, repo_type="dataset", revision=commit)).read_text()
        try:
            found = json.loads(text)
        except ValueError:
            found = {}
        if isinstance(found, dict) and "pairforge" in found and isinstance(found.get("files"), dict):
            manifest = found
    return files, manifest


def check_replacement(contents: Contents, remote: Remote, target: Target) -> None:
    """Refuse to take away what this push does not know, unless `replace` or a pull request says so.

    Raises `HubError` naming what would be lost.
    """
    if target.replace or target.pull_request:
        return
    if not remote.manifest and CARD in remote.files:
        hint = "--replace overwrites its card, --pr proposes it; other files stay"
        raise HubError(f"{target.repo} has a card that pairforge did not write", hint=hint)
    lost = sorted(set(remote.manifest.get("configs", {})) - set(contents.manifest["configs"]))
    if lost:
        raise HubError(
            f"{target.repo} also holds what this push lacks: {', '.join(lost)}",
            hint="name all views (--view A --view B), or take them out with --replace; nothing was changed",
        )


def check_tag(api: HfApi, target: Target, remote: Remote, changes: list[str]) -> None:
    """Raise `HubError`, before anything is sent, for a tag that stands on another commit."""
    if not target.tag:
        return
    there = call(f"read {target.repo}", lambda: _tags(api, target.repo)).get(target.tag)
    if there is not None and (there != remote.commit or changes):
        hint = "choose another tag; nothing was changed"
        raise HubError(f"{target.repo} has a tag '{target.tag}' on other contents", hint=hint)


def set_tag(api: HfApi, target: Target, commit: str) -> None:
    """Tag the published commit; a tag that is there already, on this commit, is fine."""
    what = f"tag {target.repo}, which is published as commit {commit}"

    def create() -> None:
        api.create_tag(target.repo, tag=target.tag, revision=commit, repo_type="dataset", exist_ok=True)

    call(what, create)
    if call(what, lambda: _tags(api, target.repo)).get(target.tag) != commit:
        raise HubError(f"the tag '{target.tag}' of {target.repo} is on another commit", hint="choose another tag")


def _tags(api: HfApi, repo: str) -> dict[str, str]:
    return {tag.name: tag.target_commit for tag in api.list_repo_refs(repo, repo_type="dataset").tags}


def git_blob_id(file: Path) -> str:
    """git's name for a file's content."""
    digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
