"""`where:` by example, and what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.errors import RuleError
from pairforge.filters import Rules, SideRules, select_pairs
from pairforge.filters.expression import parse_expression
from tests.filters.tables import problems, sample, samples

TABLES = (
    problems({"problem_id": "p", "source": "amc", "pass_rate": None}, {"problem_id": "q", "source": "say \"hi\""}),
    samples(
        *(sample(name, "given", n) for name, n in (("p", 300), ("q", 150))),
        *(sample(name, "sampled", 100, model="base") for name in "pq"),
    ),
)  # fmt: skip


def kept(where: str) -> str:
    rules = Rules(chosen=SideRules(origin="given"), rejected=SideRules(origin="sampled"), where=where)
    return "".join(select_pairs(*TABLES, rules).pairs["problem_id"])


@pytest.mark.parametrize(
    ("where", "problems"),
    [
        ("chosen_tokens > 200", "p"),
        ("chosen_tokens >= 3 * rejected_tokens", "p"),
        ("chosen_tokens - rejected_tokens == 50", "q"),
        ("gap_tokens == 50 and gap < 51", "q"),
        ("source == 'amc' or ratio < 2", "pq"),
        ("source != \"amc\"", "q"),
        ("source in ['amc', 'aime']", "p"),
        ("not source in [\"amc\"]", "q"),
        ("not (ratio < 2 and true)", "p"),
        ("difficulty < 1", "q"),
        ("not difficulty < 1", ""),  # unknown is neither
        ("pass_rate is null", "p"),
        ("pass_rate is not null", "q"),
        ("rejected_model == 'base' and chosen_origin == 'given' and not chosen_budget_limited", "pq"),
        ("chosen_tokens / (rejected_tokens + 1e2) > .75 - -0.25", "p"),
        ("abs(0 - gap) > 100", "p"),
        ("rejected_draw in [0, -1]", "pq"),
    ],
)  # fmt: skip
def test_what_a_condition_keeps(where, problems):
    assert kept(where) == problems


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("chosen_tokens >", "found the end"),
        ("chosen_tokens > 5 5", "expected 'and', 'or' or the end, found '5'"),
        ("chosen_tokens = 5", "cannot read this, found '='"),
        ("(gap > 5", "expected '\\)'"),
        ("colour == 1", r"no column 'colour'(.|\n)*chosen_tokens(.|\n)*source(.|\n)*rejected_model"),
        ("chosen_tokens", "must be a condition"),
        ("source > 5", "cannot be computed"),
        ("source in [1, 'a']", "numbers only or texts only"),
        ("gap > 5 and " * 300, "characters"),
        ("(" * 500 + "gap" + ")" * 500, "levels deep"),
        ("not " * 450 + "wrong", "levels deep"),
        ("- " * 450 + "gap > 0", "levels deep"),
        ("__import__('os').system('true')", "found '\\.'"),
        ("gap.__class__", "cannot read this, found '.'"),
    ],
)
def test_what_it_refuses(where, message):
    with pytest.raises(RuleError, match=message):
        kept(where)


@given(st.text(max_size=60) | st.text("gap><=()[]\"'and or.,+-*/ 01", max_size=40))
def test_any_text_parses_or_is_refused(text):
    try:
        parse_expression(text)
    except RuleError:
        pass


def test_a_long_condition_is_fine():
    assert kept("gap>0 and " * 150 + "gap>0") == "pq"
