"""What an export format is: how one trainer reads a pair, and its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

EVAL_SPLIT = "test"  # `datasets` calls a file test.jsonl the split "test", TRL's default


@dataclass(frozen=True, slots=True)
class Format:
    """How one trainer wants a view.

    `row` turns a pair (a row of pairs.parquet) into a line of train.jsonl. `configure` takes the settings
    (`pairforge.export.settings.settings_of`) and whether there is an evaluation file, and returns the other files as
    name -> text. `command` trains with them; `{folder}` is the export's folder.
    """

    row: Callable[[Mapping[str, Any]], dict[str, Any]]
    configure: Callable[[Mapping[str, Any], bool], dict[str, str]]
    command: str
