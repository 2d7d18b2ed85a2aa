"""Choices among pairs, by example."""

import pytest

from pairforge.filters import BandSettings, Cap, Rules, SideRules, prepare, select, select_pairs
from tests.filters.tables import problems, replace, sample, samples

THINKPO = Rules(chosen=SideRules(origin="given"), rejected=SideRules(origin="sampled"))


def two_hundred():
    """Problems with a long given solution and sampled ones: short, nearly as long, and wrong."""
    table = []
    for i in range(200):
        name = f"p{i}"
        table.append(sample(name, "given", 300))
        table += [sample(name, "sampled", n, draw=n) for n in (100, 290)]
        table.append(sample(name, "sampled", 120, "incorrect", draw=3))
    return prepare(problems(*(f"p{i}" for i in range(200))), samples(*table))


def arm(**more):
    return select(two_hundred(), replace(THINKPO, **more)).pairs


def sides() -> dict[str, SideRules]:
    return {"chosen": THINKPO.chosen, "rejected": THINKPO.rejected}


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


def test_pairs_are_balanced_over_bins_of_the_gap():
    table = [sample(f"p{i}", "given", 300 if i < 8 else 900) for i in range(10)]
    table += [sample(f"p{i}", "sampled", 100) for i in range(10)]
    made = select_pairs(
        problems(*(f"p{i}" for i in range(10))), samples(*table), replace(THINKPO, caps=(Cap(by="gap", width=500),))
    )
    assert sorted(made.pairs["gap_tokens"]) == [200, 200, 800, 800]


def test_a_number_of_pairs_keeps_the_share_of_wrong_ones():
    pairs = arm(wrong_share=0.2, n_pairs=50)
    assert pairs.height == 50 and (pairs["rejected_status"] == "incorrect").sum() == 10
    more = select(two_hundred(), replace(THINKPO, n_pairs=500))
    assert more.pairs.height == 200 and "500" in more.shortfall[0]


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


@pytest.mark.parametrize("keep", ["smallest", "middle", "largest"])
def test_a_band_keeps_the_share_of_wrong_pairs(keep):
    """Wrong rejected sides are shorter here, so the largest gaps alone would hold far more of them."""
    pairs = arm(wrong_share=0.2, pick="random", band=BandSettings(by="gap", keep=keep, n=50))
    assert (pairs.height, (pairs["rejected_status"] == "incorrect").sum()) == (50, 10)
