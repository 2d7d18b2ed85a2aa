"""docs/run-directory.md names every column of every record that a run stores, in order."""

import re
from pathlib import Path

import pytest

from pairforge.records import Drop, Pair, Problem, Sample, Verdict, schema

PAGE = (Path(__file__).parents[2] / "docs/run-directory.md").read_text()
TITLES = {
    "problems.parquet": Problem,
    "samples/given.parquet": Sample,
    "verdicts/verdicts.parquet": Verdict,
    "views/VIEW/pairs.parquet": Pair,
    "views/VIEW/drops.parquet": Drop,
}


@pytest.mark.parametrize(("title", "kind"), TITLES.items(), ids=TITLES)
def test_every_column_of_a_record_is_documented(title, kind):
    section = next(part for part in PAGE.split("\n## ") if part.startswith(title))
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) == schema(kind).names
