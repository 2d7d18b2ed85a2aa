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
        ("ratio in [1.5, 3]", "pq"),  # whole and decimal numbers in one list
        ("(pass_rate is null) == true", "p"),
        ("null is null and true and not false", "pq"),
        ("gap - 20 - 20 == 10 and gap / 5 / 5 == 2", "q"),
        ("not not gap == 50", "q"),
        ("- -gap == 50", "q"),
        ("source == \"say 'hi'\" or source == 'amc'", "p"),
        ("gap\n>\t100", "p"),
        ("`gap` > 100 and `source` == 'amc'", "p"),
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
        ("gap.__class__", "no column 'gap.__class__'"),
        ("gap. level > 1", "cannot read this, found '.'"),
        ("`gap > 1", "cannot read this, found '`'"),
    ],
)
def test_what_it_refuses(where, message):
    with pytest.raises(RuleError, match=message):
        kept(where)


@pytest.mark.parametrize(
    "where",
    [
        "open('x')", "abs(gap, gap)", "abs()", "abs(*gap)", "gap()", "source.upper()", "gap.__class__", "gap[0]",
        "source[0:1] == 'a'", "lambda: gap", "(lambda: 1)()", "[g for g in gap]", "{gap}", "{'a': 1}", "gap if gap else 1",
        "f'{gap}'", "b'amc' == source", "r'a' == source", "'a' 'mc' == source", "\"\"\"a\"\"\"", "gap := 5", "(gap := 5)",
        "10 < gap < 90", "gap not in [5]", "gap is 5", "gap is not true", "null", "1", "gap and",
        "gap in []", "gap in [5,]", "gap in [null]", "gap in [ratio]", "gap in (5, 6)", "gap in gap", "gap in [[5]]",
        "gap ** 2 > 1", "gap // 2 > 1", "gap % 2 == 1", "gap @ 2", "~wrong", "gap & 1", "gap << 1", "+gap > 0", "gap, gap",
        "gap > 5 # yes", "gap > 5; gap", "gap >\\\n5", "0x10 < gap", "1_000 > gap", "1j == gap", "gap > 5)", "()", "  ",
        "None is null", "True", "await gap", "yield", "not", "*gap", "...", "gap > '5", "g\u00e4p > 5",
        "\x00", "(" * 100, "[" * 100, "-" * 1999, "not " * 499, "abs(" * 400, "gap>0 or " * 221 + "gap", "9" * 400,
    ],
)  # fmt: skip
def test_hostile_texts_are_refused(where):
    with pytest.raises(RuleError, match=r"filter\.where"):
        kept(where)


@pytest.mark.parametrize("number", ["9" * 18, "9" * 19, "9" * 400, "1e999", "1e-999", "0.1e5", "5.", "007"])
def test_a_number_of_any_size_is_compared(number):
    assert kept(f"gap > {number} or gap <= {number}") == "pq"


def test_a_long_sum_does_not_nest():
    assert kept("gap" + "+gap" * 490 + " > 0") == "pq"


@given(st.text(max_size=60) | st.text("gap><=()[]\"'and or.,+-*/ 01", max_size=40))
def test_any_text_parses_or_is_refused(text):
    try:
        parse_expression(text)
    except RuleError:
        pass


def test_a_long_condition_is_fine():
    assert kept("gap>0 and " * 150 + "gap>0") == "pq"
