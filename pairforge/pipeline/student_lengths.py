"""Token counts and text measures of all samples, kept in the run so that each text is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pairforge import lengths
from pairforge.chat import FormatConfig
from pairforge.filters.measures import quality_table
from pairforge.pipeline.student import Format, completion, student_prompt
from pairforge.records import digest
from pairforge.run import Run

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from pairforge.progress import Progress

QUALITY_CACHE = "quality-1"  # counts up when a measure changes its meaning


def sample_lengths(
    run: Run,
    keys: set[str],
    problems: pl.DataFrame,
    tokenizer: PreTrainedTokenizerBase,
    tokenizer_digest: str,
    block: FormatConfig,
    form: Format,
    progress: Progress,
) -> pl.DataFrame:
    """`sample_key`, `prompt_tokens`, `completion_tokens` of at least these samples in one format, from the run's cache
    or counted now. `problems`: id, question."""
    key = digest([tokenizer_digest, form, block.system, block.user])
    known = run.lengths(key)
    missing = keys.difference(known["sample_key"]) if known is not None else keys
    if known is not None and not missing:
        return known  # without reading a single text
    questions = dict(problems.select("id", "question").iter_rows())
    rows = (
        (s.key, student_prompt(block, questions[s.problem_id]), completion(s, form))
        for s in run.each_sample()
        if s.key in missing
    )
    counted: list[tuple[str, int, int]] = []
    for row in lengths.count_lengths(tokenizer, rows):
        counted.append(row)
        progress("lengths", len(counted), len(missing), "")
    schema = {"sample_key": pl.String, "prompt_tokens": pl.Int64, "completion_tokens": pl.Int64}
    new = pl.DataFrame(counted, schema=schema, orient="row")
    table = new if known is None else pl.concat([known, new])
    if counted:
        run.write_lengths(key, table)
    return table


def text_quality(run: Run, keys: set[str], progress: Progress) -> pl.DataFrame:
    """The text measures of at least these samples, from the run's cache or measured now."""
    known = run.lengths(QUALITY_CACHE)
    missing = keys.difference(known["sample_key"]) if known is not None else keys
    if known is not None and not missing:
        return known  # without reading a single text
    new = quality_table((s.key, s.text) for s in run.each_sample() if s.key in missing)
    progress("quality", new.height, new.height, "")
    table = new if known is None else pl.concat([known, new])
    if new.height:
        run.write_lengths(QUALITY_CACHE, table)
    return table
