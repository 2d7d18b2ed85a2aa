"""What must hold for any evidence and any rules."""

import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pairforge.errors import RuleError
from pairforge.filters import BandSettings, Bounds, Cap, Facts, Rules, SideRules, accepts, loosest_target, select_pairs
from tests.filters.reference import select_slowly
from tests.filters.tables import random_tables, replace

quick = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
thorough = settings(max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])

evidence = st.builds(random_tables, st.integers(0, 10**6), st.integers(0, 25))
tokens = st.one_of(st.none(), st.integers(0, 60))


def bounds(low: int, high: int) -> st.SearchStrategy[Bounds]:
    ends = st.tuples(st.none() | st.integers(low, high), st.none() | st.integers(low, high))
    return ends.map(lambda e: e if None in e else sorted(e)).map(lambda e: Bounds(min=e[0], max=e[1]))


side = st.builds(
    SideRules,
    origin=st.sampled_from(["any", "given", "sampled"]),
    models=st.sampled_from([(), (), ("x",)]),
    finish=st.sampled_from([(), (), ("stop",)]),
    status=st.sampled_from(["any", ("correct",), ("incorrect",), ("correct", "truncated")]),
    min_tokens=st.none() | st.integers(0, 20),
    max_tokens=st.none() | st.integers(20, 60),
    quality=st.sampled_from([{}, {}, {"repetition": Bounds(max=0.5)}]),
)
band = st.builds(
    BandSettings,
    by=st.sampled_from(["gap", "ratio"]),
    keep=st.sampled_from(["smallest", "middle", "largest"]),
    n=st.integers(1, 9),
) | st.just(BandSettings(by="gap", quantiles=(0.25, 0.75)))
cap = st.builds(Cap, by=st.just("source"), max=st.none() | st.integers(1, 4)) | st.builds(
    Cap, by=st.just("gap"), max=st.integers(1, 4), width=st.just(10)
)
one_candidate = {
    "direction": st.sampled_from(["long", "short", "any"]),
    "chosen": side,
    "rejected": side,
    "gap": bounds(1, 30),
    "ratio": bounds(1, 4),
    "total": bounds(0, 80),
    "same_bin": st.sampled_from([None, None, 10]),
}
any_rules = st.builds(
    Rules,
    **one_candidate,
    wrong_share=st.sampled_from([0, 0, 0.2, 0.5, 1]),
    pass_rate=st.sampled_from([Bounds(), Bounds(), Bounds(min=0.1, max=0.9)]),
    gold=st.sampled_from([(), (), ("dataset",)]),
    pick=st.sampled_from(["shortest", "longest", "closest", "random", "all"]),
    pick_chosen=st.sampled_from(["any", "any", "first", "shortest", "longest"]),
    target_gap=st.integers(0, 30),
    per_problem=st.integers(1, 3),
    band=st.none() | band,
    caps=st.lists(cap, max_size=2).map(tuple),
    n_pairs=st.none() | st.integers(1, 12),
    control=st.sampled_from(["none", "none", "reversed", "random_pairs"]),
)  # fmt: skip
seeds = st.integers(0, 3)
filters_only = st.builds(Rules, **one_candidate, pick=st.just("all"))


def check_against_the_slow_way(tables, rules, seed):
    made = select_pairs(*tables, rules, seed=seed)
    pairs, drops = select_slowly(tables[0].to_dicts(), tables[1].to_dicts(), rules, seed)
    columns = ["problem_id", "chosen_key", "rejected_key", "chosen_tokens", "rejected_tokens"]
    assert made.pairs.select(columns).to_dicts() == [{name: c[name] for name in columns} for c in pairs]
    assert {
        d["subject"]: {"reason": d["reason"], "counts": json.loads(d["counts"])} for d in made.drops.to_dicts()
    } == drops


@quick
@given(evidence, any_rules, seeds)
def test_the_vectorised_rules_agree_with_the_slow_ones(tables, rules, seed):
    check_against_the_slow_way(tables, rules, seed)


@pytest.mark.full
@thorough
@given(evidence, any_rules, seeds)
def test_the_vectorised_rules_agree_with_the_slow_ones_at_length(tables, rules, seed):
    check_against_the_slow_way(tables, rules, seed)


@quick
@given(evidence, any_rules)
def test_every_problem_ends_in_pairs_or_in_exactly_one_drop(tables, rules):
    made = select_pairs(*tables, rules)
    paired, dropped = set(made.pairs["problem_id"]), list(made.drops["subject"])
    assert len(dropped) == len(set(dropped))
    assert paired | set(dropped) == set(tables[0]["problem_id"])
    assert not paired & set(dropped)


@quick
@given(evidence, any_rules, st.randoms())
def test_the_order_of_the_rows_changes_nothing(tables, rules, random):
    def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
        rows = frame.rows()
        random.shuffle(rows)
        return pl.DataFrame(rows, schema=frame.schema, orient="row")

    one, other = select_pairs(*tables, rules), select_pairs(*map(shuffled, tables), rules)
    assert_frame_equal(one.pairs, other.pairs)
    assert_frame_equal(one.drops, other.drops)
    assert one.funnel == other.funnel


@quick
@given(evidence, any_rules)
def test_numbers_asked_for_are_never_exceeded(tables, rules):
    pairs = select_pairs(*tables, rules).pairs
    if rules.pick != "all" and pairs.height:
        assert pairs.group_by("problem_id").len()["len"].max() <= rules.per_problem
    if rules.n_pairs is not None:
        assert pairs.height <= rules.n_pairs
    if rules.band is not None and rules.band.n is not None:
        assert pairs.height <= rules.band.n
    for rule in rules.caps:
        if rule.by == "source" and rule.max is not None and pairs.height:
            assert pairs.group_by("source").len()["len"].max() <= rule.max


def tighter(rules: Rules) -> list[Rules]:
    """Rules that ask for more, one thing at a time."""
    low, high = rules.gap.min or 0, rules.gap.max
    return [
        replace(rules, gap=Bounds(min=low + 5, max=high)),
        replace(rules, gap=Bounds(min=rules.gap.min, max=25 if high is None else min(high, 25))),
        replace(rules, ratio=Bounds(min=max(rules.ratio.min or 0, 2), max=rules.ratio.max)),
        replace(rules, total=Bounds(min=rules.total.min, max=min(rules.total.max or 99, 50))),
        replace(rules, chosen=replace(rules.chosen, finish=("stop",))),
        replace(rules, pass_rate=Bounds(min=0.2, max=None)),
    ]


@quick
@given(evidence, filters_only, st.integers(0, 5))
def test_a_tighter_rule_never_adds_a_problem(tables, rules, which):
    try:
        few = select_pairs(*tables, tighter(rules)[which])
    except RuleError:
        return  # tightened into a contradiction
    loose = select_pairs(*tables, rules)
    assert set(few.pairs["problem_id"]) <= set(loose.pairs["problem_id"])


@quick
@given(evidence, filters_only)
def test_the_other_direction_exchanges_the_sides_exactly(tables, rules):
    # The sources' labels of sides, and the prompt, belong to a side: leave them out of the exchange.
    table = tables[1].with_columns(side=pl.lit("any"), prompt_tokens=pl.lit(7, dtype=pl.Int64))
    flip = {"long": "short", "short": "long", "any": "any"}
    other = replace(rules, direction=flip[rules.direction], chosen=rules.rejected, rejected=rules.chosen)
    one, back = select_pairs(tables[0], table, rules).pairs, select_pairs(tables[0], table, other).pairs
    keys = ["chosen_key", "rejected_key"]
    assert sorted(one.select(keys).rows()) == sorted(back.select(reversed(keys)).rows())
    assert sorted(one["gap_tokens"]) == sorted(-back["gap_tokens"])


@quick
@given(evidence, any_rules)
def test_the_reversed_arm_holds_the_same_pairs_the_other_way_round(tables, rules):
    one = select_pairs(*tables, replace(rules, control="none")).pairs
    back = select_pairs(*tables, replace(rules, control="reversed")).pairs
    keys = ["problem_id", "chosen_key", "rejected_key"]
    assert sorted(one.select(keys).rows()) == sorted(back.select(keys[0], keys[2], keys[1]).rows())


@quick
@given(st.integers(0, 10**6), st.builds(Rules, **one_candidate, per_problem=st.integers(1, 2)))
def test_sampling_accepts_exactly_the_problems_that_the_rules_pair(seed, rules):
    bare = replace(rules, chosen=replace(rules.chosen, quality={}), rejected=replace(rules.rejected, quality={}))
    problems, samples = random_tables(seed, 8)
    counts = dict(select_pairs(problems, samples, bare).pairs.group_by("problem_id").len().rows())
    for problem in problems["problem_id"]:
        own = samples.filter(problem_id=problem).rename({"completion_tokens": "tokens"})
        names = ["origin", "status", "tokens", "prompt_tokens", "finish_reason", "side", "model"]
        facts = [Facts(**row) for row in own.select(names).to_dicts()]
        assert accepts(facts, loosest_target(rules)) == (counts.get(problem, 0) >= rules.per_problem)
