"""Records: stable identities, and rows that survive storage."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.records import Drop, Pair, Problem, Sample, Verdict, digest, from_row, problem_id, schema, to_row


def test_questions_that_differ_only_in_spacing_and_case_are_one_problem():
    assert problem_id("What is  2+2?\n") == problem_id("what is 2+2?")
    assert problem_id("What is 2+2?") != problem_id("What is 2+3?")


@given(st.text())
def test_any_question_has_an_id(question: str):
    assert len(problem_id(question)) == 16


def test_lone_surrogates_have_an_id_too():
    assert problem_id("\ud800") != problem_id("")


def test_sample_key_names_problem_origin_draw_and_budget():
    sample = Sample("p", 3, "sampled", "t", None, "t", model="m", max_tokens=64)
    assert sample.key == "p/sampled/3/64"


records = st.one_of(
    st.builds(Problem, meta=st.dictionaries(st.text(), st.integers()), rows=st.lists(st.text()).map(tuple)),
    st.builds(Sample),
    st.builds(Verdict),
    st.builds(Drop, counts=st.dictionaries(st.text(), st.integers())),
)


@given(records)
def test_a_record_survives_its_row(record: Problem | Sample | Verdict | Drop):
    assert from_row(type(record), to_row(record)) == record


@pytest.mark.parametrize("kind", [Problem, Sample, Verdict, Pair, Drop])
def test_every_field_has_a_column(kind: type):
    assert schema(kind).names == list(kind.__dataclass_fields__)


def test_a_row_fits_its_schema():
    problem = Problem("id", "q", "a", "s", rows=("s:0",), meta={"level": 3})
    table = pa.Table.from_pylist([to_row(problem)], schema=schema(Problem))
    assert from_row(Problem, table.to_pylist()[0]) == problem


def test_digest_does_not_depend_on_key_order():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})
