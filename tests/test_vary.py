"""Reading `--vary`: what a sweep and a training grid have in common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.errors import RecipeError
from pairforge.pipeline.experiments import parse_axes
from pairforge.vary import parse_value, parse_vary, split_values

plain = st.text(st.characters(categories=("L", "N"), include_characters=" .-"), min_size=1).map(str.strip).filter(bool)
grouped = st.builds(
    lambda parts, ends: f"{ends[0]}{', '.join(parts)}{ends[1]}",
    st.lists(plain),
    st.sampled_from(["[]", "()", "{}", "''", '""']),
)


@given(st.lists(plain | grouped, min_size=1))
def test_commas_in_brackets_and_quotes_belong_to_a_value(values: list[str]):
    assert split_values(", ".join(values)) == values


def test_values_are_read_as_yaml_and_none_lifts_a_bound():
    assert [parse_value(text) for text in ("1e3", "0.5", "none", "None", "true", "[a, b]", "{x")] == [
        "1e3", 0.5, None, None, True, ["a", "b"], "{x",
    ]  # fmt: skip
    arms = parse_axes(["filter.rejected.status=[correct,incorrect],any", "filter.gap.max=none,5"])
    assert len(arms) == 4
    assert arms[0] == {"filter.rejected.status": ["correct", "incorrect"], "filter.gap.max": None}


def test_a_key_given_twice_has_all_values():
    assert parse_vary(["a.b=1", "a.b=2,3"], example="") == {"a.b": ["1", "2", "3"]}


@pytest.mark.parametrize("text", ["filter.gap.max", "filter.gap.max=", "filter.gap.max= , ", "=5", ""])
def test_an_option_without_values_is_refused_with_an_example(text: str):
    with pytest.raises(RecipeError, match="names no values") as caught:
        parse_vary([text], example="filter.gap.max=500,none")
    assert "filter.gap.max=500,none" in caught.value.hint
