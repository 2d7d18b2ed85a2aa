"""What an export format is: which rows it takes, how a trainer reads one, and its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EVAL_SPLIT = "test"  # `datasets` calls a file test.jsonl the split "test", TRL's default

Kind = Literal["pairs", "labels", "completions", "problems"]
"""What a row is: a pair of a view, a labeled solution (`pairforge.export.labels`), a solution to imitate
(`pairforge.export.completions`), or a problem with its ground truth (`pairforge.export.difficulty`)."""


@dataclass(frozen=True, slots=True)
class Written:
    """The data files of an export. `rows`: split -> rows. `labels`: desirable and undesirable rows for training."""

    rows: Mapping[str, int]
    labels: tuple[int, int] = (0, 0)

    @property
    def with_eval(self) -> bool:
        """Whether there is an evaluation file."""
        return EVAL_SPLIT in self.rows


@dataclass(frozen=True, slots=True)
class Format:
    """How one trainer wants a view.

    `row` turns a row of `kind` into a line of train.jsonl. `configure` takes the settings
    (`pairforge.export.settings.settings_of`) and what was written, and returns the other files as name -> text.
    `command` trains with them; `{folder}` is the export's folder. `also` has the commands of other trainers that read
    the same folder. `yours` says of every value in a command that only the user can give what it is.
    """

    row: Callable[[Mapping[str, Any]], dict[str, Any]]
    configure: Callable[[Mapping[str, Any], Written], dict[str, str]]
    command: str
    kind: Kind = "pairs"
    also: Mapping[str, str] = field(default_factory=dict)
    yours: Mapping[str, str] = field(default_factory=dict)
