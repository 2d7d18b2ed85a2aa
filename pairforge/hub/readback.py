"""Trust, then verify: load a published revision as anyone would, and compare the hashes of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.errors import HubError
from pairforge.hub.client import call
from pairforge.hub.rows import Progress, RowHash


def read_back(repo: str, revision: str, configs: Mapping[str, Any], *, progress: Progress = lambda *_: None) -> int:
    """Stream every split of every config with `datasets`; returns the number of rows, all of them equal.

    `configs` are those of the published manifest. Raises `HubError` when a split cannot be loaded or differs.
    """
    total = sum(split["rows"] for config in configs.values() for split in config["splits"].values())
    checked = 0
    for config, facts in configs.items():
        for split, expected in facts["splits"].items():
            what = f"read {config}/{split} of {repo} back at {revision[:12]}"

            def load(config: str = config, split: str = split, before: int = checked) -> RowHash:
                return hash_split(repo, revision, config, split, before, total, progress)

            found = call(what, load, tries=3)
            if (found.rows, found.hexdigest()) != (expected["rows"], expected["sha256"]):
                raise HubError(
                    f"{repo} at {revision[:12]} is not what was pushed: {config}/{split} has {found.rows:,} rows with "
                    f"SHA-256 {found.hexdigest()[:16]}, expected {expected['rows']:,} with {expected['sha256'][:16]}",
                    hint="push again; if it stays, compare the files on the Hub with the local ones",
                )
            checked += found.rows
    return checked


def hash_split(
    repo: str, revision: str, config: str, split: str, before: int, total: int, progress: Progress
) -> RowHash:
    """The hash of a split's rows as `datasets` streams them."""
    from datasets import load_dataset
    from pyarrow.dataset import ParquetFragmentScanOptions

    rows = RowHash()
    lean = ParquetFragmentScanOptions(pre_buffer=False)  # buffering would keep a whole shard, or two, in memory
    for row in load_dataset(repo, config, split=split, revision=revision, streaming=True, fragment_scan_options=lean):
        rows.add(row)
        if rows.rows % 1000 == 0:
            progress("read back", before + rows.rows, total, f"{config}/{split}")
    progress("read back", before + rows.rows, total, f"{config}/{split}")
    return rows
