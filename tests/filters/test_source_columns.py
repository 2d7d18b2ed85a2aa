"""The source's own columns: their types, and what rules do with them."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.errors import RuleError
from pairforge.filters import BandSettings, Cap, Rules, SideRules, prepare, select
from pairforge.filters.source_columns import MOST_COLUMNS, source_columns
from tests.filters.tables import problems, replace, sample, samples

THINKPO = Rules(chosen=SideRules(origin="given"), rejected=SideRules(origin="sampled"))


def columns(*metas: dict) -> tuple[pl.DataFrame, dict[str, str]]:
    return source_columns((f"p{at}", json.dumps(meta)) for at, meta in enumerate(metas))


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, 2], pl.Int64, [1, 2]),
        ([1, 2.5], pl.Float64, [1.0, 2.5]),
        ([1, 2**70], pl.Float64, [1.0, float(2**70)]),
        ([True, False], pl.Boolean, [True, False]),
        (["a", "b"], pl.String, ["a", "b"]),
        ([["a"], {"b": 1}], pl.String, ['["a"]', '{"b": 1}']),
    ],
)
def test_a_column_has_the_type_of_its_values(values, kind, read):
    table, notes = columns(*({"x": value} for value in values), {}, {"x": None}, {"x": float("nan")})
    assert table.schema["meta.x"] == kind and not notes
    assert table["meta.x"].to_list() == [*read, None, None, None]


@pytest.mark.parametrize("values", [[5, "AMC"], [True, 1], [1.5, [1]]])
def test_values_of_several_types_are_read_as_text_and_said(values):
    table, notes = columns(*({"x": value} for value in values))
    assert table["meta.x"].to_list() == [v if isinstance(v, str) else json.dumps(v) for v in values]
    assert "it is read as text" in notes["meta.x"]


def test_a_key_per_row_does_not_make_a_column_per_row():
    table, notes = columns(*({f"k{at}": 1, "level": at} for at in range(MOST_COLUMNS + 50)))
    assert table.width == MOST_COLUMNS + 1 and table["meta.level"].to_list() == list(range(MOST_COLUMNS + 50))
    assert "250 keys" not in notes["meta"] and "251 keys" in notes["meta"]


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)


@given(st.lists(st.dictionaries(st.text(max_size=3), values, max_size=4), max_size=8))
def test_any_meta_makes_columns(metas):
    table, _ = columns(*metas)
    assert table.height == len(metas)
    for at, meta in enumerate(metas):
        for name, value in meta.items():
            known = value is not None and value == value and value not in (float("inf"), float("-inf"))
            assert (table[f"meta.{name}"][at] is not None if f"meta.{name}" in table.columns else False) == known


def evidence():
    own, notes = columns(
        *({"level": i % 3, "problem type": "ab"[i % 2], "mixed": [i, str(i)][i % 2]} for i in range(6))
    )
    rows = problems(*(f"p{i}" for i in range(6))).join(own, on="problem_id")
    table = samples(*(sample(f"p{i}", o, n + i) for i in range(6) for o, n in (("given", 300), ("sampled", 100))))
    return prepare(rows, table, notes)


def kept(**changes) -> str:
    return "".join(select(evidence(), replace(THINKPO, **changes)).pairs["problem_id"]).replace("p", "")


def test_rules_name_them_like_any_column():
    assert kept(where="meta.level >= 1") == "1245"
    assert kept(where="`meta.problem type` == 'a' and meta.level is not null") == "024"
    assert kept(where="abs(meta.level - 1) == 1") == "0235"
    assert kept(band=BandSettings(by="meta.level", keep="largest", n=2)) == "25"
    assert kept(band=BandSettings(by="meta.level * 100 + chosen_tokens", n=2)) == "03"
    assert len(kept(caps=(Cap(by="meta.problem type", max=1),))) == 2
    assert len(kept(caps=(Cap(by="meta.level", max=1),))) == 3


def test_drops_name_the_column_that_capped_them():
    made = select(evidence(), replace(THINKPO, caps=(Cap(by="meta.problem type", max=1),)))
    assert set(made.drops["reason"]) == {"cap_meta.problem type"}
    assert {json.loads(counts)["cap_meta.problem type"] for counts in made.drops["counts"]} == {1}


def test_a_reason_with_quotes_stays_readable():
    by = 'source in ["s", "t"]'
    made = select(evidence(), replace(THINKPO, caps=(Cap(by=by, max=1),)))
    assert all(json.loads(counts) == {f"cap_{by}": 1} for counts in made.drops["counts"])


def test_a_wrong_name_lists_the_columns_with_their_types():
    with pytest.raises(RuleError) as caught:
        kept(where="meta.lvl > 1")
    assert "no column 'meta.lvl'" in caught.value.message
    for listed in ("meta.level (integer)", "meta.problem type (text)", "gap (integer)", "ratio (number)"):
        assert listed in caught.value.hint


def test_a_mixed_column_is_said_where_it_is_used():
    assert select(evidence(), THINKPO).notes == ()
    (note,) = select(evidence(), replace(THINKPO, where="meta.mixed != '1'")).notes
    assert note == "meta.mixed holds integers and text: it is read as text"


def test_pairs_carry_the_columns_that_are_named():
    pairs = select(evidence(), THINKPO, columns=["meta.level", "chosen_model"]).pairs
    assert pairs["meta.level"].to_list() == [0, 1, 2, 0, 1, 2] and set(pairs["chosen_model"]) == {"m"}


def test_a_column_of_a_side_follows_the_side_of_a_control_arm():
    made = select(
        evidence(), replace(THINKPO, control="reversed", where="chosen_origin == 'given'"), columns=["chosen_origin"]
    )
    assert set(made.pairs["chosen_origin"]) == {"sampled"}


@pytest.mark.parametrize("by", ["5", "gap +", "colour + 1", "source + 1"])
def test_an_expression_that_means_nothing_is_refused(by):
    with pytest.raises(RuleError, match=r"filter\.band\.by"):
        kept(band=BandSettings(by=by, n=1))
