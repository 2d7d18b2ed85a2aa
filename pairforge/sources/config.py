"""The settings of sources: which datasets to read and how, and what must not be in them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairforge.config import Config
from pairforge.verifier.config import SourceVerifierConfig


class GoldJoin(Config):
    """Ground truth joined from another dataset on the normalised question, where the source has none of its own."""

    dataset: str = Field(description="The dataset with the answers, named as `sources[].dataset` is.")
    config: str | None = Field(None, description="Its config (subset).")
    split: str = Field("train", description="Its split.")
    revision: str | None = Field(None, description="Its branch, tag or commit on the Hub.")
    question: str = Field("problem", description="The column that holds the question.")
    answer: str = Field(
        "solution",
        description="The column that holds the answer, or a whole solution: whose box or `####` line is taken.",
    )


class SourceConfig(Config):
    """One dataset of problems, with solutions where it has them.

    Ground truth is the dataset's own; else it is joined from `gold_from`; else, marked as such, it is the boxed answer
    of the teacher's solution.
    """

    dataset: str = Field(
        description="A Hub id, a local dataset folder, a run of pairforge, a .jsonl, .json, .csv, .tsv or .parquet "
        "file (all but parquet also as .gz or .zst), `pairforge:demo` or `pairforge:demo-eval`. Paths are relative to "
        "the recipe.",
    )
    adapter: str = Field(
        "auto", description="Reads the rows of one schema (docs/sources.md lists them); `auto` recognises the schema."
    )
    config: str | None = Field(None, description="The dataset's config (subset).")
    split: str = Field("train", description="The dataset's split.")
    revision: str | None = Field(
        None, description="Branch, tag or commit on the Hub; the commit it resolves to is recorded in the manifest."
    )
    limit: int | None = Field(None, ge=1, description="Read the first rows only: how many. null reads all.")
    origins: tuple[str, ...] = Field(
        (),
        description="Where `dataset` is a run: whose solutions are taken, `given` or those of an arm (`sampled`). "
        "Empty takes all.",
    )
    columns: dict[str, str] = Field(
        {}, description="Names of the adapter mapped to columns of the data: `{question: prompt, long: trace}`."
    )
    gold_from: GoldJoin | None = Field(None, description="Another dataset to join ground truth from.")
    teacher_gold: Literal["keep", "drop"] = Field(
        "keep", description="Whether a problem may be used whose only ground truth is the teacher's own answer."
    )
    solutions: Literal["keep", "drop"] = Field(
        "keep",
        description="`drop` takes problems and ground truth alone: the data's own solutions are left out, and both "
        "sides of a pair are sampled.",
    )
    verifier: SourceVerifierConfig | None = Field(
        None, description="How this source's answers are checked, where that differs from the recipe's `verifier`."
    )
    only_known: bool = Field(
        False, description="Take only what belongs to problems of the sources before this one: short solutions, say."
    )


class DecontaminateConfig(Config):
    """Evaluation sets whose problems must not be trained on, and near duplicates among the problems themselves."""

    sets: tuple[str, ...] = Field(
        (), description="Evaluation sets by name (docs/sources.md lists them), or any dataset, folder or file."
    )
    ngram: int | None = Field(
        8,
        ge=1,
        description="Drop a problem that shares this many consecutive words with an evaluation question, stock phrases "
        "apart. null does not look for shared passages.",
    )
    without_digits: bool = Field(
        True, description="Also drop a problem that equals an evaluation question except for the numbers."
    )
    fuzzy: float | None = Field(
        0.75,
        gt=0,
        le=1,
        description="Also drop a problem that contains a whole evaluation question, or this share of its words in the "
        "same order (0 to 1), with other names or misspelled words. null turns this off.",
    )
    near_duplicates: float | None = Field(
        0.8,
        gt=0,
        le=1,
        description="Jaccard similarity of their three-word groups (0 to 1) from which two problems with the same "
        "numbers and the same answer count as one. null keeps all.",
    )
