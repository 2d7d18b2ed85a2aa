"""The numbers of a set of pairs, against the standard library's."""

import statistics

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.filters import Rules, select_pairs
from pairforge.filters.summary import COLUMNS, MEASURES, ViewSummary, summarise
from tests.filters.tables import random_tables


@settings(max_examples=40, deadline=None)
@given(st.builds(random_tables, st.integers(0, 999), st.integers(0, 20)), st.sampled_from(["shortest", "all"]))
def test_a_summary_says_what_the_pairs_say(tables, pick):
    pairs = select_pairs(*tables, Rules(pick=pick, per_problem=2)).pairs
    found = summarise(pairs)
    rows = pairs.to_dicts()
    assert (found.pairs, found.problems) == (len(rows), len({row["problem_id"] for row in rows}))
    for name in MEASURES:
        values = [row[name] for row in rows]
        if not values:
            assert (found.means[name], found.ranges[name]) == (None, [None, None])
            assert found.quantiles[name] == [None] * 5
            continue
        assert found.means[name] == pytest.approx(statistics.fmean(values))
        assert found.ranges[name] == [min(values), max(values)]
        assert found.quantiles[name][2] == pytest.approx(statistics.median(values))
        assert found.quantiles[name] == sorted(found.quantiles[name])
    rates = {row["problem_id"]: row["pass_rate"] for row in rows if row["pass_rate"] is not None}
    assert found.pass_rate == (pytest.approx(statistics.fmean(rates.values())) if rates else None)
    wrong = [row["rejected_status"] == "incorrect" for row in rows]
    assert found.wrong_share == (pytest.approx(sum(wrong) / len(wrong)) if wrong else None)
    assert sum(found.sources.values()) == pytest.approx(1 if rows else 0)
    assert found.complete
    stored = summarise(pairs.select(COLUMNS))
    assert stored == found.model_copy(update={"pass_rate": None}), "a written view has everything but the pass rate"
    assert ViewSummary.model_validate_json(found.model_dump_json()) == found


def test_the_summary_of_an_old_view_is_not_complete():
    assert not ViewSummary(pairs=3, problems=3, means=dict.fromkeys(MEASURES, 1.0)).complete


def test_shares_are_of_the_pairs():
    row = {"problem_id": "p", "rejected_status": "correct", **dict.fromkeys(MEASURES, 1)}
    pairs = pl.DataFrame([{**row, "source": source} for source in "aab"])
    assert summarise(pairs).sources == {"a": pytest.approx(2 / 3), "b": pytest.approx(1 / 3)}
