"""Publish a staged folder as one commit: all of it, or nothing.

The parent commit is named in every commit, so a repository that moved in the meantime is read again, never
overwritten blindly. Content is compared by hash: what is there already is not sent, and nothing new is no commit.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pairforge.errors import HubError
from pairforge.hub.client import (
    TRIES,
    call,
    explained,
    open_api,
    quiet_bars,
    status_of,
    transient,
    wait_s,
    with_timeout,
)
from pairforge.hub.contents import CARD, MANIFEST, Contents, file_sha256
from pairforge.hub.readback import read_back
from pairforge.hub.rows import Progress

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, HfApi

UPLOAD_AT_ONCE = 4  # files per upload step: some parallelism, and progress after each step
BAD_UPLOAD = frozenset({400, 403, 422})  # object stores answer a damaged or expired upload with these


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
class Pushed:
    """What a push did. `commit` is the commit that holds the contents, whether it is new (`changed`) or not."""

    repo: str
    commit: str
    changed: bool
    url: str
    private: bool
    files_sent: int
    bytes_sent: int
    rows_checked: int
    pull_request: str = ""
    tag: str = ""


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


def push(contents: Contents, target: Target, *, progress: Progress = lambda *_: None) -> Pushed:
    """Publish `contents`, then load the pushed revision back and compare the hashes of its rows.

    Raises `HubError`: the repository is then as it was, or complete, and the message tells which.
    """
    if target.pull_request and (target.revision != "main" or target.tag):
        raise HubError("a pull request cannot have a branch or a tag of its own", hint="leave out --revision and --tag")
    with quiet_bars():
        api = open_api()
        private = open_repository(api, target)
        remote = read_remote(api, target)
        check_replacement(contents, remote, target)
        local = Local(contents.files)
        changes = differences(local, remote)
        check_tag(api, target, remote, changes)
        sent = [path for path in changes if path in local.files]
        pull = ""
        if changes:
            commit, pull = commit_changes(api, contents, local, remote, target, progress)
        else:
            commit = remote.commit
        if target.tag:
            set_tag(api, target, commit)
        rows = 0
        if target.read_back:
            rows = read_back(target.repo, commit, contents.manifest["configs"], progress=progress)
    return Pushed(
        repo=target.repo,
        commit=commit,
        changed=bool(changes),
        url=f"{api.endpoint}/datasets/{target.repo}/tree/{commit}",
        private=private,
        files_sent=len(sent),
        bytes_sent=sum(local.files[path].stat().st_size for path in sent),
        rows_checked=rows,
        pull_request=pull,
        tag=target.tag,
    )


# --- what is there -------------------------------------------------------------------------------------


def open_repository(api: HfApi, target: Target) -> bool:
    """Find the dataset repository, or make it; returns whether it is private. Never changes its visibility.

    Raises `HubError` for a repository that moved, or that is public when a private push was asked for.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

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
    from huggingface_hub.hf_api import RepoFile

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
    """Tag the commit; a tag that is there already, on this commit, is fine."""
    what = f"tag {target.repo}"

    def create() -> None:
        api.create_tag(target.repo, tag=target.tag, revision=commit, repo_type="dataset", exist_ok=True)

    call(what, create)
    if call(what, lambda: _tags(api, target.repo)).get(target.tag) != commit:
        raise HubError(f"the tag '{target.tag}' of {target.repo} is on another commit", hint="choose another tag")


def _tags(api: HfApi, repo: str) -> dict[str, str]:
    return {tag.name: tag.target_commit for tag in api.list_repo_refs(repo, repo_type="dataset").tags}


# --- the commit ----------------------------------------------------------------------------------------


def differences(local: Local, remote: Remote) -> list[str]:
    """The paths to send, and those of the last push that are to go."""
    send = [path for path in local.files if remote.files.get(path) not in local.hashes(path)]
    gone = [path for path in remote.manifest.get("files", {}) if path in remote.files and path not in local.files]
    return send + gone


def commit_changes(
    api: HfApi, contents: Contents, local: Local, remote: Remote, target: Target, progress: Progress
) -> tuple[str, str]:
    """Send what differs and commit it; returns the commit and, for a pull request, its address.

    When a commit's answer is lost, or the parent has moved, the repository is read again: the contents may have
    arrived, or somebody else may have changed other files (go on) or ours (stop).
    """
    pulls = _pulls(api, target) if target.pull_request else {}
    for attempt in range(TRIES):
        operations = list(_operations(local, remote))
        _upload(api, operations, target, progress)
        try:
            with_timeout()
            info: CommitInfo = api.create_commit(
                target.repo,
                operations,
                commit_message=_message(contents),
                repo_type="dataset",
                revision=None if target.pull_request else target.revision,
                parent_commit=remote.commit,
                create_pr=target.pull_request,
            )
            return info.oid, info.pr_url or ""
        except Exception as error:
            if status_of(error) not in (409, 412) and not transient(error):
                raise explained(error, f"commit to {target.repo}") from None
            fresh, pull = _look_again(api, local, target, pulls)
            if not differences(local, fresh):
                return fresh.commit, pull
            if fresh.managed(contents) != remote.managed(contents):
                hint = "look at its history, then push again; your contents were not published"
                raise HubError(f"somebody else changed {target.repo} meanwhile", hint=hint) from None
            if attempt + 1 == TRIES:
                raise explained(error, f"commit to {target.repo}") from None
            remote = fresh
            time.sleep(wait_s(error, attempt))
    raise AssertionError("unreachable")


def _look_again(api: HfApi, local: Local, target: Target, pulls: Mapping[str, str]) -> tuple[Remote, str]:
    """The state after a commit whose fate is unknown: the branch, or the pull request that came of it."""
    if target.pull_request:
        for name in sorted(set(_pulls(api, target)) - set(pulls)):
            there = read_remote(api, target, name)
            if not differences(local, there):
                return there, f"{api.endpoint}/datasets/{target.repo}/discussions/{name.rsplit('/', 1)[-1]}"
    return read_remote(api, target), ""


def _pulls(api: HfApi, target: Target) -> dict[str, str]:
    refs = call(
        f"read {target.repo}",
        lambda: api.list_repo_refs(target.repo, repo_type="dataset", include_pull_requests=True),
    )
    return {pull.ref: pull.target_commit for pull in refs.pull_requests or []}


def _operations(local: Local, remote: Remote) -> Iterator[Any]:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    for path in differences(local, remote):
        if path in local.files:
            yield CommitOperationAdd(path, local.files[path])
        else:
            yield CommitOperationDelete(path)


def _upload(api: HfApi, operations: list[Any], target: Target, progress: Progress) -> None:
    """Send the large files ahead of the commit: until it comes, the repository does not know them."""
    large = [
        op
        for op in operations
        if getattr(op, "path_or_fileobj", None) and op.path_in_repo.endswith((".parquet", ".png"))
    ]
    total = sum(op.upload_info.size for op in large)
    done = 0
    for start in range(0, len(large), UPLOAD_AT_ONCE):
        batch = large[start : start + UPLOAD_AT_ONCE]

        def send(batch: list[Any] = batch) -> None:
            revision = None if target.pull_request else target.revision
            api.preupload_lfs_files(
                target.repo, batch, repo_type="dataset", revision=revision, create_pr=target.pull_request,
                free_memory=False, num_threads=UPLOAD_AT_ONCE,
            )  # fmt: skip

        call(f"upload to {target.repo}", send, tries=3, also=BAD_UPLOAD)
        done += sum(op.upload_info.size for op in batch)
        progress("upload", done, total, "bytes")


def _message(contents: Contents) -> str:
    rows = {
        name: sum(split["rows"] for split in config["splits"].values())
        for name, config in contents.manifest["configs"].items()
    }
    return "Publish " + ", ".join(f"{name} ({count:,} rows)" for name, count in rows.items())


def git_blob_id(file: Path) -> str:
    """git's name for a file's content."""
    digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
