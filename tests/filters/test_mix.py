"""A mix: several sets of rules in one view, each for its own problems."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pairforge.errors import RuleError
from pairforge.filters import (
    BandSettings,
    Bounds,
    Facts,
    Part,
    Rules,
    RuleSet,
    SideRules,
    accepts,
    longest_useful,
    loosest_target,
    prepare,
    select,
)
from pairforge.filters.mix import reserved
from pairforge.filters.sweep import Arm, sweep
from pairforge.filters.target import draws_needed, read_target
from pairforge.filters.undecided import undecided
from tests.filters.tables import problems, random_tables, replace, sample, samples
from tests.filters.test_invariants import any_rules, evidence

SHORT = SideRules(origin="sampled")
WRONG = SideRules(origin="sampled", status="incorrect")
FAR = Part(name="far", gap=Bounds(min=150), rejected=SHORT)
WRONG_PART = Part(name="wrong", rejected=WRONG)


def tables(n: int = 10):
    """Ten problems with a long solution of 300 tokens. The short one has 100 tokens up to p4 and 200 from there on, and
    every problem has a wrong one of 50 tokens."""
    rows = [sample(f"p{i}", "given", 300) for i in range(n)]
    rows += [sample(f"p{i}", "sampled", 100 if i < n // 2 else 200) for i in range(n)]
    rows += [sample(f"p{i}", "sampled", 50, "incorrect", draw=1) for i in range(n)]
    return prepare(problems(*(f"p{i}" for i in range(n))), samples(*rows))


def mixed(*parts: Part, **beside) -> RuleSet:
    return RuleSet(mix=parts, **beside)


def counts(pairs: pl.DataFrame) -> dict[str, int]:
    return dict(pairs.group_by("part").len().iter_rows())


def test_a_problem_goes_to_the_first_part_that_takes_it():
    made = select(tables(), mixed(FAR, WRONG_PART))
    parts = dict(made.pairs.select("problem_id", "part").iter_rows())
    assert parts == {f"p{i}": "far" if i < 5 else "wrong" for i in range(10)}
    assert set(made.pairs.filter(part="wrong")["rejected_status"]) == {"incorrect"}
    assert counts(select(tables(), mixed(WRONG_PART, FAR)).pairs) == {"wrong": 10}


def test_a_part_with_a_share_gets_it_and_leaves_the_rest():
    made = select(tables(), mixed(FAR, replace(WRONG_PART, share=0.2)))
    assert counts(made.pairs) == {"far": 5, "wrong": 1}  # five problems only the wrong part takes: 1 of 6 is near 20 %
    anything = Part(name="anything", rejected=SHORT)
    made = select(tables(), mixed(anything, replace(WRONG_PART, share=0.2)))
    assert counts(made.pairs) == {"anything": 8, "wrong": 2} and not made.shortfall


def test_shares_of_all_parts_hold_among_the_pairs_that_stay():
    parts = (replace(FAR, share=0.5), replace(WRONG_PART, share=0.5))
    assert counts(select(tables(), mixed(*parts)).pairs) == {"far": 5, "wrong": 5}
    parts = (replace(FAR, share=0.75), replace(WRONG_PART, share=0.25))
    made = select(tables(), mixed(*parts))
    assert counts(made.pairs) == {"far": 5, "wrong": 2}
    assert {row["reason"] for row in made.drops.to_dicts()} == {"wrong.share"}


def test_a_share_that_cannot_be_filled_is_said():
    made = select(tables(), mixed(Part(name="all", rejected=SHORT), replace(FAR, gap=Bounds(min=240), share=0.3)))
    assert made.shortfall == ("mix: part 'far' asks for 30% of the problems, and 0.0% are its",)


def test_what_a_choice_of_one_part_leaves_out_goes_to_the_next():
    few = Part(name="few", rejected=SHORT, band=BandSettings(by="gap", keep="smallest", n=2))
    assert counts(select(tables(), mixed(few, WRONG_PART)).pairs) == {"few": 2, "wrong": 8}


def test_directions_may_differ():
    back = Part(name="back", direction="short", chosen=SideRules(origin="sampled"), rejected=SideRules(origin="given"))
    pairs = select(tables(), mixed(FAR, back)).pairs
    signs = dict(pairs.group_by("part").agg(pl.col("gap_tokens").sign().unique().implode()).iter_rows())
    assert {name: list(found) for name, found in signs.items()} == {"far": [1], "back": [-1]}


def test_the_funnel_and_the_drops_are_per_part():
    nothing = replace(WRONG_PART, pass_rate=Bounds(min=0.9))
    made = select(tables(), mixed(FAR, nothing))
    steps = {step["step"]: step for step in made.funnel}
    assert steps["far.candidates"]["part"] == "far" and steps["far.gap_min"]["problems"] == 5
    assert steps["wrong.pass_rate"]["problems"] == 0
    assert set(made.drops["reason"]) == {"wrong.pass_rate"} and made.drops.height == 5
    assert json.loads(made.drops["counts"][0]) == {"far.rejected_status": 1, "far.gap_min": 1, "wrong.pass_rate": 2}
    assert made.drops["detail"][0] == "took the last 2 of 4 candidates"


def test_a_control_arm_beside_the_mix_is_one_of_every_part():
    pairs = select(tables(), mixed(FAR, WRONG_PART, control="reversed")).pairs
    assert set(pairs["gap_tokens"].sign()) == {-1} and set(pairs["exchanged"]) == {True}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (mixed(FAR, FAR), "two parts have the name 'far'"),
        (mixed(FAR, WRONG_PART, gap=Bounds(min=3)), "filter.gap: has no effect beside mix"),
        (mixed(replace(FAR, share=0.7), replace(WRONG_PART, share=0.7)), "add up to 1.4"),
        (mixed(replace(FAR, share=0.7)), "add up to 0.7"),
        (mixed(WRONG_PART, replace(FAR, gap=Bounds(min=9, max=3))), "filter.mix.1.gap: min 9 is above max 3"),
    ],
)
def test_what_a_mix_refuses(rules, message):
    with pytest.raises(RuleError, match=message):
        select(tables(), rules)


def test_a_sweep_tells_the_parts():
    (result,) = sweep(tables(), [Arm({}, mixed(FAR, WRONG_PART))])
    assert {name: part.pairs for name, part in result.parts.items()} == {"far": 5, "wrong": 5}
    assert result.parts["wrong"].wrong_share == 1 and result.parts["far"].gap_tokens == 200


def test_the_card_tells_every_part():
    sentences = list(mixed(FAR, replace(WRONG_PART, share=0.2)).sentences())
    assert "Part wrong gets 20% of the problems." in sentences
    assert "Part far: The longer side has at least 150 tokens more than the shorter side." in sentences


def test_what_sampling_left_undecided_is_counted_over_the_parts():
    rows = [{"problem_id": "p", "stopped_by": "accepted"}, {"problem_id": "q", "stopped_by": "max"}]
    table = [sample(p, o, n) for p in "pq" for o, n in (("given", 300), ("sampled", 250))]
    evidence = prepare(problems(*rows), samples(*table))
    rules = mixed(FAR, WRONG_PART)
    assert undecided(evidence, rules, select(evidence, rules).drops).stopped == 1


few_tables = st.builds(random_tables, st.integers(0, 10**6), st.integers(0, 12))
part_rules = st.lists(any_rules, min_size=1, max_size=3)


def as_parts(rules: list[Rules], shares: list[float | None]) -> RuleSet:
    named = zip("abc", rules, shares, strict=False)
    return mixed(*(Part(**dict(one), name=name, share=share) for name, one, share in named))


def test_sampling_serves_any_part_with_the_largest_budget():
    target = loosest_target(mixed(FAR, replace(WRONG_PART, rejected=replace(WRONG, max_tokens=500))))
    given = Facts("given", "correct", 300)
    assert accepts([given, Facts("sampled", "correct", 100)], target)
    assert accepts([given, Facts("sampled", "incorrect", 250)], target)
    assert not accepts([given, Facts("sampled", "correct", 200)], target)
    assert longest_useful([given], target, 10) == 299 and longest_useful([], target, 10) == 0
    assert longest_useful([given], loosest_target(mixed(FAR)), 10) == 150
    assert read_target(target.model_dump(mode="json")) == target and draws_needed(target) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), part_rules)
def test_sampling_accepts_what_one_of_the_parts_accepts(seed, rules):
    target = loosest_target(as_parts(rules, [None] * 3))
    alone = [loosest_target(one) for one in rules]
    _, samples = random_tables(seed, 6)
    for (_,), own in samples.group_by("problem_id"):
        names = ["origin", "status", "tokens", "prompt_tokens", "finish_reason", "side", "model"]
        facts = [Facts(**row) for row in own.rename({"completion_tokens": "tokens"}).select(names).to_dicts()]
        assert accepts(facts, target) == any(accepts(facts, one) for one in alone)
        limits = [longest_useful(facts, one, 5) for one in alone]
        assert longest_useful(facts, target, 5) == (None if None in limits else max(limits))


@settings(max_examples=60, deadline=None)
@given(few_tables, part_rules, st.sampled_from([[None] * 3, [0.3, None, None], [0.2, 0.5, None]]), st.integers(0, 3))
def test_every_problem_ends_in_pairs_of_one_part_or_in_one_drop(tables, rules, shares, seed):
    ready = prepare(*tables)
    chosen = as_parts(rules, shares)
    if list(chosen.mistakes()):
        return
    made = select(ready, chosen, seed=seed)
    paired, dropped = set(made.pairs["problem_id"]), list(made.drops["subject"])
    assert paired | set(dropped) == set(tables[0]["problem_id"]) and not paired & set(dropped)
    assert len(dropped) == len(set(dropped))
    assert made.pairs.group_by("problem_id").agg(pl.n_unique("part")).filter(pl.col("part") > 1).is_empty()
    for part in chosen.parts:  # a part pairs nothing that it would not pair alone, but for choices among problems
        alone = select(ready, replace(part, band=None, caps=(), n_pairs=None, wrong_share=0, per_problem=9), seed=seed)
        if part.wrong_share == 0:
            assert set(made.pairs.filter(part=part.name)["problem_id"]) <= set(alone.pairs["problem_id"])


@settings(max_examples=30, deadline=None)
@given(evidence, any_rules, st.integers(0, 3))
def test_a_mix_of_one_part_is_that_part(tables, rules, seed):
    ready = prepare(*tables)
    one = select(ready, rules, seed=seed)
    other = select(ready, as_parts([rules], [None]), seed=seed)
    assert_frame_equal(one.pairs, other.pairs.drop("part"))
    assert one.drops["subject"].to_list() == other.drops["subject"].to_list()
    assert [step["problems"] for step in one.funnel] == [
        step["problems"] for step in other.funnel if step["step"] != "a.earlier_part"
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40).flatmap(
        lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=3, max_size=3)
    ),
    st.sampled_from([(0.2, None, None), (0.5, 0.5, None), (0.3, 0.3, 0.4)]),
)
def test_reserved_problems_are_takeable_disjoint_and_within_the_share(takes, shares):
    table = np.array(takes)
    found = reserved(table, shares, np.arange(table.shape[1], dtype=np.uint64))
    assert not (found & ~table).any() and found.sum(axis=0).max() <= 1
    unshared = [at for at, share in enumerate(shares) if share is None]
    total = (found.any(axis=0) | table[unshared].any(axis=0)).sum()
    for at, share in enumerate(shares):
        assert found[at].sum() <= (share or 0) * total + 0.5
