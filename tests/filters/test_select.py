"""Rules by example: what becomes a pair, and what a drop says."""

import json

import pytest
from pydantic import ValidationError

from pairforge.errors import RuleError
from pairforge.filters import BandSettings, Bounds, Cap, Rules, SideRules, select_pairs
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


@pytest.mark.parametrize(
    ("pick", "kept"), [("shortest", 50), ("longest", 200), ("closest", 100)]
)  # chosen has 300 tokens, and the wanted gap is 190
def test_pick_chooses_by_the_rejected_side(pick, kept):
    table = samples(sample("p", "given", 300), *(sample("p", "sampled", n, draw=n) for n in (100, 200, 50)))
    made = select_pairs(problems("p"), table, Rules(**sides(), pick=pick, target_gap=190))
    assert made.pairs["rejected_tokens"].to_list() == [kept]


@pytest.mark.parametrize(
    ("pick_chosen", "kept"), [("any", (900, 50)), ("first", (500, 50)), ("shortest", (300, 50)), ("longest", (900, 50))]
)
def test_pick_chosen_chooses_among_several_long_solutions(pick_chosen, kept):
    longs = [sample("p", "given", tokens, draw=draw) for draw, tokens in enumerate((500, 300, 900))]
    shorts = [sample("p", "sampled", tokens, draw=draw) for draw, tokens in enumerate((80, 50))]
    made = select_pairs(problems("p"), samples(*longs, *shorts), Rules(**sides(), pick_chosen=pick_chosen))
    assert made.pairs.select("chosen_tokens", "rejected_tokens").rows() == [kept]


def test_pick_all_keeps_every_candidate_and_per_problem_a_number_of_them():
    table = samples(sample("p", "given", 300), *(sample("p", "sampled", n, draw=n) for n in (100, 200, 50)))
    assert select_pairs(problems("p"), table, Rules(**sides(), pick="all")).pairs.height == 3
    two = select_pairs(problems("p"), table, Rules(**sides(), per_problem=2)).pairs
    assert sorted(two["rejected_tokens"]) == [50, 100]


def test_shortest_correct_against_longest_correct_of_the_same_model():
    table = samples(*(sample("p", "sampled", n, draw=n) for n in (100, 200, 50)))
    both = SideRules(origin="sampled")
    made = select_pairs(problems("p"), table, Rules(direction="short", chosen=both, rejected=both, pick="longest"))
    assert made.pairs.select("chosen_tokens", "rejected_tokens").rows() == [(50, 200)]
    assert made.pairs["gap_tokens"].to_list() == [-150]


def wrong_tables(n: int, wrong_too: int, only_wrong: int):
    """n problems with a right rejected side, of which `wrong_too` have a wrong one as well; and some with only that."""
    rows = []
    for i in range(n + only_wrong):
        rows.append(sample(f"p{i}", "given", 300))
        if i < n:
            rows.append(sample(f"p{i}", "sampled", 100))
        if i < wrong_too or i >= n:
            rows.append(sample(f"p{i}", "sampled", 100, "incorrect", draw=1))
    return problems(*(f"p{i}" for i in range(n + only_wrong))), samples(*rows)


@pytest.mark.parametrize(
    ("tables", "pairs", "wrong"),
    [
        ((80, 0, 40), 100, 20),  # enough problems that have only wrong ones: the surplus is dropped
        ((95, 50, 5), 100, 20),  # too few: problems with both turn to a wrong one
        ((90, 5, 5), 95, 10),  # too few altogether: the share stays short, and says so
    ],
)
def test_wrong_share_is_filled_from_what_is_on_hand(tables, pairs, wrong):
    made = select_pairs(*wrong_tables(*tables), Rules(**sides(), wrong_share=0.2))
    assert made.pairs.height == pairs
    assert (made.pairs["rejected_status"] == "incorrect").sum() == wrong
    assert bool(made.shortfall) == (wrong < 20)
    assert set(made.drops["reason"]) <= {"wrong_share"}


def test_band_keeps_the_smallest_middle_or_largest():
    table = [sample(f"p{i}", "given", 100 + i) for i in range(9)] + [sample(f"p{i}", "sampled", 50) for i in range(9)]
    tables = problems(*(f"p{i}" for i in range(9))), samples(*table)

    def gaps(**band):
        rules = Rules(**sides(), band=BandSettings(**band))
        return sorted(select_pairs(*tables, rules).pairs["gap_tokens"])

    assert gaps(keep="smallest", n=3) == [50, 51, 52]
    assert gaps(keep="middle", n=3) == [53, 54, 55]
    assert gaps(keep="largest", n=3) == [56, 57, 58]
    assert gaps(quantiles=(0, 1 / 3)) == [50, 51, 52]


def test_caps_bound_a_group_and_balance_cuts_to_the_smallest():
    rows = [{"problem_id": f"p{i}", "source": "big" if i < 8 else "small"} for i in range(10)]
    table = [sample(f"p{i}", origin, n) for i in range(10) for origin, n in (("given", 9), ("sampled", 3))]
    tables = problems(*rows), samples(*table)
    capped = select_pairs(*tables, Rules(**sides(), caps=(Cap(by="source", max=5),)))
    assert capped.pairs["source"].value_counts().sort("source").rows() == [("big", 5), ("small", 2)]
    assert capped.drops["reason"].to_list() == ["cap_source"] * 3
    balanced = select_pairs(*tables, Rules(**sides(), caps=(Cap(by="source"),)))
    assert balanced.pairs["source"].value_counts().sort("source").rows() == [("big", 2), ("small", 2)]


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
