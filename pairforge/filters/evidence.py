"""The tables that rules are applied to, made ready once for any number of rule sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pairforge.filters.hashing import mix, text_hash, text_hashes

ACCEPTED, ENOUGH = "accepted", "enough"
"""Values of `stopped_by`, which says why a problem was not drawn further. "accepted": its samples served the rules that
it was sampled for. "enough": `draws.enough` problems were accepted, this one or others; it is also the reason of the
drop where such a problem was never drawn. The others are "max" (all draws were made) and "not_drawn"."""

_PROBLEM_DEFAULTS: dict[str, object] = {
    "source": "", "gold": "dataset", "draws": 0, "stopped_by": "", "pass_rate": None,
}  # fmt: skip
_SAMPLE_DEFAULTS: dict[str, object] = {
    "side": "any", "draw": 0, "model": "", "finish_reason": "stop", "answer": "", "prompt_tokens": 0,
    "budget_limited": False, "max_tokens": 0, "derived": False,
}  # fmt: skip

PROBLEM_COLUMNS = ("problem_id", *_PROBLEM_DEFAULTS)
SAMPLE_COLUMNS = ("sample_key", "problem_id", "origin", "status", "completion_tokens", *_SAMPLE_DEFAULTS)
"""The columns that the problems and the samples of every run have."""
ORIGIN_NUMBERS = {"sampled": 0, "given": 1}  # in a sample's hash, so that the choices of earlier versions stay

# Columns with a handful of different values: as categories they compare ten times faster than as text.
_CATEGORIES = ("origin", "side", "status", "finish_reason")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Problems and samples with everything that no rule changes.

    `problems` is sorted by id; its column `p` numbers the problems. `samples` has `p` too, plus `row` (its own row
    number) and `sample_hash` (64 bits from problem id, origin, draw and budget). `notes` says, by column, what a reader
    of its values should know. `arms` are the origins that samples have or may have.
    """

    problems: pl.DataFrame
    samples: pl.DataFrame
    notes: Mapping[str, str] = field(default_factory=dict)
    arms: tuple[str, ...] = ("given", "sampled")


def prepare(problems: pl.DataFrame, samples: pl.DataFrame, notes: Mapping[str, str] | None = None) -> Evidence:
    """Number problems and samples and hash their ids.

    `problems`: problem_id, source, gold, draws, stopped_by, pass_rate (null when unknown), and any further column.
    `samples`: one row per sample: sample_key, problem_id, origin, side, draw, model, status, finish_reason, answer,
    prompt_tokens, completion_tokens, budget_limited, max_tokens; optionally `rejected_completion_tokens` where the
    rejected side has another reasoning format, and quality columns. Absent optional columns get their default.
    A sample whose problem is not in `problems` is left out.
    """
    problems = _with_defaults(problems, _PROBLEM_DEFAULTS).sort("problem_id").with_row_index("p")
    problems = problems.with_columns(
        pl.col("pass_rate").cast(pl.Float64),
        pl.Series("problem_hash", text_hashes(problems["problem_id"]), dtype=pl.UInt64),
    )
    samples = _with_defaults(samples, _SAMPLE_DEFAULTS)
    if "rejected_completion_tokens" not in samples.columns:
        samples = samples.with_columns(rejected_completion_tokens=pl.col("completion_tokens"))
    ids = problems.select("problem_id", "p", "problem_hash")
    numbers = samples.select("problem_id").join(ids, on="problem_id", how="left", maintain_order="left")
    samples = samples.hstack(numbers.drop("problem_id")).filter(pl.col("p").is_not_null()).with_row_index("row")
    samples = samples.with_columns(pl.col(_CATEGORIES).cast(pl.Categorical), _sample_hash(samples))
    arms = sorted({"given", "sampled", *samples["origin"].unique().drop_nulls().cast(pl.String)})
    return Evidence(problems, samples.drop("problem_hash"), notes or {}, tuple(arms))


def _with_defaults(frame: pl.DataFrame, defaults: dict[str, object]) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(value).alias(name) for name, value in defaults.items() if name not in frame.columns
    )


def _sample_hash(samples: pl.DataFrame) -> pl.Series:
    """From the parts of the sample's key rather than its text: a million keys hash in milliseconds."""

    def number(column: str) -> np.ndarray:
        return samples[column].fill_null(0).cast(pl.Int64).to_numpy().astype(np.uint64)

    origins = samples["origin"].cast(pl.String)
    numbers = {name: ORIGIN_NUMBERS.get(name, text_hash(name)) for name in origins.unique().drop_nulls()}
    origin = origins.replace_strict(numbers, default=0, return_dtype=pl.UInt64).to_numpy()
    hashed = mix(samples["problem_hash"].to_numpy() + origin)
    hashed = mix(hashed + number("draw"))
    return pl.Series("sample_hash", mix(hashed + number("max_tokens")), dtype=pl.UInt64)
