"""Rules by example: what becomes a pair, and what a drop says."""

import json

import pytest
from pydantic import ValidationError

from pairforge.errors import RuleError
from pairforge.filters import BandSettings, Bounds, Rules, SideRules, select_pairs
from tests.filters.tables import problems, sample, samples

THINKPO = Rules(chosen=SideRules(origin="given"), rejected=SideRules(origin="sampled"))


def test_a_long_given_and_a_short_sampled_solution_make_a_pair():
    made = select_pairs(problems("p"), samples(sample("p", "given", 300), sample("p", "sampled", 100)), THINKPO)
    (pair,) = made.pairs.to_dicts()
    assert (pair["chosen_key"], pair["rejected_key"]) == ("p/given/0/0", "p/sampled/0/1024")
    assert (pair["gap_tokens"], pair["ratio"], pair["total_tokens"]) == (200, 3.0, 310)
    assert made.drops.height == 0


def test_a_drop_names_the_last_rule_that_still_had_a_survivor():
    table = samples(
        sample("p", "given", 300),
        sample("p", "sampled", 100, "incorrect"),
        sample("p", "sampled", 250, draw=1),
        sample("p", "sampled", 290, draw=2),
    )
    made = select_pairs(problems("p"), table, Rules(**sides(), gap=Bounds(min=100)))
    (drop,) = made.drops.to_dicts()
    assert (drop["subject"], drop["stage"], drop["reason"]) == ("p", "filter", "gap_min")
    assert json.loads(drop["counts"]) == {"rejected_status": 1, "gap_min": 2}
    assert drop["detail"] == "took the last 2 of 3 candidates"


def test_a_problem_without_samples_is_dropped_too():
    made = select_pairs(problems("p", "q"), samples(sample("q", "given", 5)), THINKPO)
    assert made.drops["reason"].to_list() == ["no_candidate"] * 2
    assert made.drops["counts"].to_list() == ["{}", "{}"]


def test_no_problems_no_pairs():
    made = select_pairs(problems(), samples(), THINKPO)
    assert made.pairs.height == made.drops.height == 0


def test_the_funnel_counts_candidates_and_problems_after_each_rule():
    table = samples(
        sample("p", "given", 300), sample("p", "sampled", 100), sample("p", "sampled", 290, draw=1),
        sample("q", "given", 300, "incorrect"), sample("q", "sampled", 100),
    )  # fmt: skip
    made = select_pairs(problems("p", "q"), table, Rules(**sides(), gap=Bounds(min=100)))
    steps = {row["step"]: (row["candidates"], row["problems"]) for row in made.funnel}
    assert steps["candidates"] == (3, 2)
    assert steps["chosen_status"] == (2, 1)
    assert steps["gap_min"] == steps["pick"] == (1, 1)


def test_shortest_correct_against_longest_correct_of_the_same_model():
    table = samples(*(sample("p", "sampled", n, draw=n) for n in (100, 200, 50)))
    both = SideRules(origin="sampled")
    made = select_pairs(problems("p"), table, Rules(direction="short", chosen=both, rejected=both, pick="longest"))
    assert made.pairs.select("chosen_tokens", "rejected_tokens").rows() == [(50, 200)]
    assert made.pairs["gap_tokens"].to_list() == [-150]


def test_a_column_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(RuleError, match=r"'colour'(.|\n)*source"):
        select_pairs(problems("p"), samples(), Rules(band=BandSettings(by="colour", n=3)))


@pytest.mark.parametrize(
    "rules",
    [
        Rules(gap=Bounds(min=5, max=2)),
        Rules(gap=Bounds(max=0)),
        Rules(band=BandSettings()),
        Rules(chosen=SideRules(min_tokens=9, max_tokens=3)),
    ],
)
def test_contradictory_rules_are_refused(rules):
    with pytest.raises(RuleError, match="filter"):
        select_pairs(problems("p"), samples(), rules)


@pytest.mark.parametrize(
    "settings", [{"wrong_share": 2}, {"pick": "best"}, {"gap": {"mim": 3}}, {"chosen": {"status": "good"}}]
)
def test_a_value_that_a_key_cannot_have_is_refused_when_the_rules_are_made(settings):
    with pytest.raises(ValidationError):
        Rules(**settings)


def sides() -> dict[str, SideRules]:
    return {"chosen": THINKPO.chosen, "rejected": THINKPO.rejected}
