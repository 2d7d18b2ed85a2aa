"""Sweeps, differences, and what sampling left undecided."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.filters import Bounds, Rules, SideRules, prepare, select, select_pairs
from pairforge.filters.diff import diff
from pairforge.filters.sweep import Arm, grid, sweep
from pairforge.filters.undecided import undecided
from tests.filters.tables import problems, random_tables, replace, sample, samples

THINKPO = Rules(chosen=SideRules(origin="given"), rejected=SideRules(origin="sampled"))


def ten_problems():
    """Problems whose gap is 10, 20, .. 100 tokens; the first half from source a and easy."""
    rows = [
        {"problem_id": f"p{i}", "source": "a" if i < 5 else "b", "pass_rate": 1.0 if i < 5 else 0.0} for i in range(10)
    ]
    table = [sample(f"p{i}", "given", 110 + 10 * i) for i in range(10)] + [
        sample(f"p{i}", "sampled", 100) for i in range(10)
    ]
    return prepare(problems(*rows), samples(*table))


def arm(pick="shortest", **settings):
    return Arm({**settings, "pick": pick}, replace(THINKPO, gap=Bounds(**settings), pick=pick))


def test_a_grid_has_every_combination():
    assert grid({"a": [1, 2], "b": ["x", None]}) == [
        {"a": 1, "b": "x"}, {"a": 1, "b": None}, {"a": 2, "b": "x"}, {"a": 2, "b": None},
    ]  # fmt: skip


def test_each_arm_tells_what_it_keeps_and_what_it_selects_for():
    everything, small = sweep(ten_problems(), [arm(max=None), arm(max=50)])
    assert (everything.pairs, everything.problems, everything.means["gap_tokens"]) == (10, 10, 55)
    assert (everything.pass_rate_shift, everything.source_shift) == (0, 0)
    assert (small.pairs, small.means["gap_tokens"], small.quantiles["gap_tokens"][2]) == (5, 30, 30)
    assert small.sources == {"a": 1.0}
    assert (small.pass_rate_shift, small.source_shift) == (0.5, 0.5)
    assert everything.overlap == [1.0, 0.5] and small.overlap == [0.5, 1.0]


def test_an_arm_that_contradicts_itself_is_a_row_with_a_note():
    wrong, fine = sweep(ten_problems(), [arm(min=9, max=3), arm()])
    assert (wrong.pairs, fine.pairs) == (0, 10)
    assert "above max" in wrong.notes[0] and not fine.notes
    assert wrong.overlap == [0, 0]


def test_an_arm_has_a_seed_of_its_own():
    rules = replace(THINKPO, n_pairs=3)
    results = sweep(ten_problems(), [Arm({"seed": seed}, rules, seed) for seed in (0, 0, 1)])
    assert results[0].overlap[1] == 1 > results[0].overlap[2]


def test_an_arm_that_keeps_nothing_has_no_means():
    (empty,) = sweep(ten_problems(), [arm(min=1000)])
    assert empty.pairs == 0 and empty.means["gap_tokens"] is None and not empty.notes


def test_callers_may_add_measures_and_keep_selections():
    kept = []
    (one,) = sweep(
        ten_problems(),
        [arm()],
        measure=lambda s: {"rows": s.pairs.height},
        keep=lambda a, s: kept.append(s.pairs.height),
    )
    assert one.extra == {"rows": 10} and kept == [10]


@settings(max_examples=25, deadline=None)
@given(st.builds(random_tables, st.integers(0, 999), st.integers(0, 20)))
def test_a_sweep_says_what_each_view_alone_says(tables):
    rules = [Rules(gap=Bounds(max=m)) for m in (5, 20, None)]
    results = sweep(prepare(*tables), [Arm({"m": r.gap.max}, r) for r in rules])
    alone = [select_pairs(*tables, r).pairs for r in rules]
    assert [r.pairs for r in results] == [p.height for p in alone]
    for i, one in enumerate(alone):
        for j, other in enumerate(alone):
            a, b = (set(p.select("chosen_key", "rejected_key").rows()) for p in (one, other))
            assert results[i].overlap[j] == pytest.approx(len(a & b) / max(len(a | b), 1), abs=1e-4)


def test_a_problem_that_stopped_for_another_rule_makes_an_arm_incomparable():
    rows = [{"problem_id": "p", "stopped_by": "accepted"}, {"problem_id": "q", "stopped_by": "max"}]
    table = [sample(p, o, n) for p in "pq" for o, n in (("given", 300), ("sampled", 250))]
    loose, tight = sweep(prepare(problems(*rows), samples(*table)), [arm(), arm(min=100)])
    assert loose.comparable and not tight.comparable
    assert "1 dropped problems were not drawn further" in tight.notes[0]


def cut_at(tokens):
    cut = sample("p", "sampled", tokens, "truncated", finish_reason="length", budget_limited=True, max_tokens=tokens)
    return prepare(problems("p"), samples(sample("p", "given", 300), cut))


@pytest.mark.parametrize(
    ("gap_min", "tokens", "count"),
    [(200, 100, 0), (50, 100, 1), (None, 299, 0), (None, 100, 1)],
)
def test_a_sample_cut_for_a_wider_gap_is_undecided_under_a_smaller_one(gap_min, tokens, count):
    rules = replace(THINKPO, gap=Bounds(min=gap_min))
    evidence = cut_at(tokens)
    assert undecided(evidence, rules, select(evidence, rules).drops).cut == count


def test_a_cut_sample_beside_a_longer_wrong_given_solution_is_decided():
    """The longest correct given solution bounds the budget; a longer wrong one does not make draws useful."""
    cut = sample("p", "sampled", 100, "truncated", finish_reason="length", budget_limited=True, max_tokens=100)
    given_ones = [sample("p", "given", 110), sample("p", "given", 400, "incorrect", draw=1)]
    evidence = prepare(problems("p"), samples(*given_ones, cut))
    rules = replace(THINKPO, gap=Bounds(min=50))
    assert undecided(evidence, rules, select(evidence, rules).drops).problems == 0


def test_a_problem_that_no_draw_could_pair_is_decided():
    row = {"problem_id": "p", "stopped_by": "accepted"}
    evidence = prepare(problems(row), samples(sample("p", "given", 300, "incorrect"), sample("p", "sampled", 50)))
    assert undecided(evidence, THINKPO, select(evidence, THINKPO).drops).problems == 0


def early_stopped():
    """Two problems; drawing stopped at the first acceptable solution of one of them."""
    rows = [{"problem_id": "p", "stopped_by": "accepted"}, {"problem_id": "q", "stopped_by": "max"}]
    table = [sample(p, o, n) for p in "pq" for o, n in (("given", 300), ("sampled", 250))]
    return prepare(problems(*rows), samples(*table, sample("q", "sampled", 200, draw=1)))


def test_arms_that_pick_otherwise_are_marked_where_drawing_stopped_early():
    picks = [arm(pick=pick) for pick in ("shortest", "longest", "random")]
    shortest, longest, random = sweep(early_stopped(), picks)
    assert (shortest.comparable, longest.comparable, random.comparable) == (False, False, True)
    assert "pick: 1 paired problems were not drawn further" in longest.notes[0]
    assert not sweep(early_stopped(), [arm(pick="longest")])[0].comparable
    assert all(one.comparable for one in sweep(early_stopped(), [arm(), arm(max=80)]))


def test_a_pick_among_cut_samples_is_marked_too():
    cut = sample("p", "sampled", 100, "truncated", draw=1, finish_reason="length", budget_limited=True, max_tokens=100)
    evidence = prepare(problems("p"), samples(sample("p", "given", 300), sample("p", "sampled", 90), cut))
    assert not sweep(evidence, [arm(pick="longest")])[0].comparable
    assert sweep(evidence, [arm(pick="longest", min=200)])[0].comparable  # longer ones would not be paired


def test_an_arm_without_a_sampled_side_owes_nothing_to_the_sampling():
    rows = [{"problem_id": "p", "stopped_by": "accepted"}]
    evidence = prepare(problems(*rows), samples(sample("p", "given", 300), sample("p", "sampled", 90)))
    rules = replace(THINKPO, rejected=SideRules(origin="given"))
    assert undecided(evidence, rules, select(evidence, rules).drops).problems == 0


def test_the_difference_of_two_views_names_the_reason_of_the_one_that_dropped():
    evidence = ten_problems()
    a, b = (select(evidence, replace(THINKPO, gap=Bounds(min=low, max=high))) for low, high in ((None, 50), (30, None)))
    found = diff(a.pairs, a.drops, b.pairs, b.drops)
    assert (found.same, found.neither) == (3, 0)
    assert found.counts().rows() == [("only_b", "gap_max", 5), ("only_a", "gap_min", 2)]


def test_the_same_problem_paired_from_other_samples_differs_too():
    evidence = prepare(
        problems("p"), samples(sample("p", "given", 300), *(sample("p", "sampled", n, draw=n) for n in (100, 200)))
    )
    a, b = (select(evidence, replace(THINKPO, pick=pick)) for pick in ("shortest", "longest"))
    found = diff(a.pairs, a.drops, b.pairs, b.drops)
    assert found.problems.select("problem_id", "kind", "reason").rows() == [("p", "other_pairs", "pick")]
    assert diff(a.pairs, a.drops, a.pairs, a.drops).problems.height == 0
