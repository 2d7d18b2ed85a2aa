"""After a push: load the published revision as anyone would, and compare the hashes of its rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from huggingface_hub import hf_hub_download
from pyarrow.dataset import ParquetFragmentScanOptions

from pairforge.errors import HubError
from pairforge.hub.client import explained, wait_s, with_timeout
from pairforge.hub.contents import CARD
from pairforge.hub.shards import RowHash
from pairforge.progress import Progress

Show = Callable[[int], None]

TRIES = 3  # whatever went wrong: reading changes nothing, and a damaged answer looks like any other error


def read_back(repo: str, commit: str, configs: Mapping[str, Any], *, progress: Progress = lambda *_: None) -> int:
    """Stream every split of every config with `datasets`; returns the number of rows, all of them equal.

    `configs` are those of the published manifest. Raises `HubError` when a split cannot be loaded or differs; it
    names the commit, which stands, and how to look again.
    """
    total = sum(split["rows"] for config in configs.values() for split in config["splits"].values())
    checked = 0
    for config, facts in configs.items():
        for split, expected in facts["splits"].items():
            name = f"{config}/{split}"

            def show(rows: int, before: int = checked, name: str = name) -> None:
                progress("read back", before + rows, total, name)

            checked += _checked(repo, commit, config, split, expected, show)
    return checked


def _checked(repo: str, commit: str, config: str, split: str, expected: Mapping[str, Any], show: Show) -> int:
    """The number of rows of a split that loads as it was published."""
    for attempt in range(TRIES):
        cause: Exception = HubError("the rows differ")
        try:
            with_timeout()
            if attempt:
                forget_card(repo, commit)
            found = hash_split(repo, commit, config, split, show)
            if (found.rows, found.hexdigest()) == (expected["rows"], expected["sha256"]):
                return found.rows
            trouble = (
                f"{config}/{split} is not what was pushed: it loads as {found.rows:,} rows with SHA-256 "
                f"{found.hexdigest()[:16]}, expected {expected['rows']:,} with {expected['sha256'][:16]}"
            )
            hint = "if it stays, load that commit with another version of `datasets` and compare"
        except Exception as error:
            cause, told = error, explained(error, f"read {config}/{split} back")
            trouble, hint = told.message, told.hint
        if attempt + 1 < TRIES:
            time.sleep(wait_s(cause, attempt))
    again = "run the same command again: it makes no second commit, and reads back again"
    raise HubError(f"{repo} is published as commit {commit}, but {trouble}", hint=f"{again}; {hint}") from None


def forget_card(repo: str, commit: str) -> None:
    """Fetch the card anew: one that arrived damaged would stay in the cache, and with it every later attempt."""
    hf_hub_download(repo, CARD, repo_type="dataset", revision=commit, force_download=True)


def hash_split(repo: str, commit: str, config: str, split: str, show: Show) -> RowHash:
    """The hash of a split's rows as `datasets` streams them."""
    from datasets import load_dataset

    rows = RowHash()
    lean = ParquetFragmentScanOptions(pre_buffer=False)  # buffering would keep a whole shard, or two, in memory
    for row in load_dataset(repo, config, split=split, revision=commit, streaming=True, fragment_scan_options=lean):
        rows.add(row)
        if rows.rows % 1000 == 0:
            show(rows.rows)
    show(rows.rows)
    return rows
