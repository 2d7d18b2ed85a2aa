"""Publish a staged folder as one commit: all of it, or nothing.

The parent commit is named in every commit, so a repository that moved in the meantime is read again, never
overwritten blindly. What is there already is not sent, and nothing new is no commit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi

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
from pairforge.hub.contents import Contents
from pairforge.hub.readback import read_back
from pairforge.hub.repository import (
    Local,
    Remote,
    Target,
    check_replacement,
    check_tag,
    differences,
    open_repository,
    read_remote,
    set_tag,
)
from pairforge.progress import Progress

UPLOAD_AT_ONCE = 4  # files per upload step: some parallelism, and progress after each step
BAD_UPLOAD = frozenset({400, 403, 422})  # object stores answer a damaged or expired upload with these


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


def push(contents: Contents, target: Target, *, progress: Progress = lambda *_: None) -> Pushed:
    """Publish `contents`, then load the pushed revision back and compare the hashes of its rows.

    Raises `HubError`: the repository is then as it was, or complete, and the message tells which.
    """
    if target.pull_request and (target.revision != "main" or target.tag):
        raise HubError("a pull request cannot have a branch or a tag of its own", hint="leave out --revision and --tag")
    if target.read_back and Path(target.repo).exists():
        raise HubError(
            f"there is a local '{target.repo}' here, and `datasets` would read that back instead of the repository",
            hint="run the command in another folder, or with --no-read-back",
        )
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
