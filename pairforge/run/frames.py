"""A run's contents as Polars frames and as a dataset, for whoever looks at them in Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pairforge.errors import RunError
from pairforge.run.tables import Tables

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True, slots=True)
class Frames(Tables):
    """Evidence and views as frames. Their columns are those of the files; docs/api.md lists the methods."""

    def problems(self) -> pl.DataFrame:
        """One row per problem, in the order of the sources: id, question, answer, source, gold, rows, meta (JSON)."""
        return self.problem_table()

    def samples(self) -> pl.DataFrame:
        """One row per solution with its text, given ones first: `sample_key` and all columns of `Sample`.

        Where a draw was repeated with a larger budget, the larger one stands for it. All texts are in memory.
        """
        texts = pl.concat(list(self.sample_batches()), how="vertical_relaxed")
        kept = self.sample_table().select("sample_key")
        return texts.unique("sample_key", keep="last", maintain_order=True).join(kept, on="sample_key", how="semi")

    def verdicts(self) -> pl.DataFrame:
        """The current verdict of every judged sample: sample_key, status, answer, rule, detail, verifier_version."""
        return self.verdict_table()

    def pairs(self, view: str = "default") -> pl.DataFrame:
        """The pairs of a view, with the columns of `Pair` and those that the recipe's `format.columns` names.

        Raises `RunError` naming the views there are.
        """
        return pl.read_parquet(self.view(view) / "pairs.parquet")

    def drops(self, view: str = "default") -> pl.DataFrame:
        """What gave no pair in a view: subject (problem id or source row), stage, reason, detail, counts (JSON)."""
        return pl.read_parquet(self.view(view) / "drops.parquet")

    def dataset(self, view: str = "default") -> Dataset:
        """The pairs of a view as a `datasets.Dataset` that TRL's trainers take."""
        from datasets import Dataset

        return Dataset.from_parquet(str(self.view(view) / "pairs.parquet"))

    def view(self, name: str) -> Path:
        """The folder of an existing view.

        Raises `RunError` naming the views there are.
        """
        folder = self.view_folder(name)
        if not (folder / "view.json").exists():
            there = ", ".join(self.views()) or "none yet"
            raise RunError(
                f"{self.path}: there is no view '{name}'",
                hint=f"views: {there}. `pairforge filter {self.path} --view {name}` makes one",
            )
        return folder

    def views(self) -> list[str]:
        folders = (file.parent.name for file in (self.path / "views").glob("*/view.json"))
        return sorted(name for name in folders if not name.startswith("."))
