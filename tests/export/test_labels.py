"""Labels of single solutions: what the rules of a view say about each, and in which proportion they are kept."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.export.config import KtoConfig
from pairforge.export.labels import Labels, kto_weights, label_solutions
from pairforge.filters import Bounds, Rules, SideRules, prepare
from tests.filters.tables import problems, random_tables, sample, samples

ANY = SideRules(origin="any")


def labeled(rules: Rules, *solutions: dict[str, Any], seed: int = 0, **settings: Any) -> Labels:
    ids = sorted({row["problem_id"] for row in solutions})
    evidence = prepare(problems(*ids), samples(*solutions))
    return label_solutions(evidence, rules, KtoConfig(**settings), seed=seed)


def told(labels: Labels) -> dict[str, tuple[bool, str]]:
    return {row["sample_key"]: (row["label"], row["why"]) for row in labels.rows.iter_rows(named=True)}


def test_thinkpo_long_is_desirable_and_short_is_not():
    found = told(labeled(Rules(), sample("p", "given", 500), sample("p", "sampled", 100)))
    assert found == {"p/given/0/0": (True, "chosen"), "p/sampled/0/1024": (False, "rejected")}


def test_wrong_answers_are_undesirable_however_long():
    labels = labeled(Rules(), sample("p", "given", 500, "incorrect"), sample("p", "sampled", 100, "incorrect"))
    assert {label for label, _ in told(labels).values()} == {False}
    assert {why for _, why in told(labels).values()} == {"verdict"}


def test_undecided_solutions_have_no_label():
    labels = labeled(Rules(), sample("p", "given", 500, "no_answer"), sample("p", "sampled", 100, "truncated"))
    assert labels.rows.is_empty() and labels.left_out == {"side": 2}
    cut = labeled(Rules(), sample("p", "sampled", 100, "truncated"), undesirable=["incorrect", "truncated"])
    assert told(cut) == {"p/sampled/0/1024": (False, "verdict")}


def test_a_chosen_side_that_is_not_longer_has_no_wanted_length():
    labels = labeled(Rules(gap=Bounds(min=50)), sample("p", "given", 120), sample("p", "sampled", 100))
    assert labels.rows.is_empty() and labels.left_out == {"length": 2}


def test_without_a_partner_the_chosen_side_is_desirable_and_the_rejected_has_no_label():
    assert told(labeled(Rules(), sample("p", "given", 50))) == {"p/given/0/0": (True, "chosen")}
    assert labeled(Rules(), sample("p", "sampled", 50)).left_out == {"length": 1}


@pytest.mark.parametrize(("direction", "expected"), [("long", [False, None, True]), ("short", [True, None, False])])
def test_of_one_models_own_solutions_the_ends_are_told_apart(direction: Any, expected: list[bool | None]):
    draws = [sample("p", "sampled", tokens, draw=i) for i, tokens in enumerate((100, 200, 300))]
    rules = Rules(direction=direction, chosen=ANY, rejected=ANY, gap=Bounds(min=100))
    found = told(labeled(rules, *draws))
    assert [found.get(row["sample_key"], (None, ""))[0] for row in draws] == expected


def test_rules_on_the_problem_hold_here_too():
    labels = labeled(Rules(pass_rate=Bounds(max=0.2)), sample("p", "given", 500), sample("p", "sampled", 100))
    assert labels.left_out == {"problem": 2}


def test_per_problem_and_ratio_bound_what_is_kept():
    wrong = [sample("p", "sampled", 100, "incorrect", draw=i) for i in range(6)]
    right = [sample("p", "given", 500), sample("q", "given", 500)]
    few = labeled(Rules(), *wrong, *right, per_problem=2)
    assert few.counts == (2, 2) and few.left_out == {"per_problem": 4}
    even = labeled(Rules(), *wrong, *right, max_ratio=1.5)
    assert even.counts == (2, 3) and even.left_out == {"max_ratio": 3}


@given(st.integers(0, 10_000), st.sampled_from(["long", "short", "any"]), st.booleans())
def test_every_solution_is_labeled_once_or_left_out_with_a_reason(seed: int, direction: Any, own: bool):
    tables = random_tables(seed, 8)
    evidence = prepare(*tables)
    side = ANY if own else None
    sides = {"chosen": side, "rejected": side} if side else {}
    labels = label_solutions(evidence, Rules(direction=direction, **sides), KtoConfig(), seed=seed)
    assert labels.rows.height + sum(labels.left_out.values()) == evidence.samples.height
    assert labels.rows["sample_key"].is_unique().all()
    wrong = labels.rows.filter(pl.col("status") == "incorrect")
    assert not wrong["label"].any() and wrong.height == (evidence.samples["status"] == "incorrect").sum()
    told_apart = labels.rows.filter(pl.col("completion_tokens").is_not_null(), pl.col("why") != "verdict")
    for row in told_apart.filter("label").iter_rows(named=True) if own and direction != "any" else ():
        others = told_apart.filter(~pl.col("label"), problem_id=row["problem_id"])["completion_tokens"]
        assert all((row["completion_tokens"] > other) == (direction == "long") for other in others)


@given(st.integers(0, 10_000))
def test_the_order_of_the_tables_changes_nothing(seed: int):
    problems_table, samples_table = random_tables(seed, 6)
    there = label_solutions(prepare(problems_table, samples_table), Rules(), KtoConfig(max_ratio=1), seed=3)
    turned = prepare(problems_table.reverse(), samples_table.reverse())
    assert label_solutions(turned, Rules(), KtoConfig(max_ratio=1), seed=3).rows.equals(there.rows)


@given(st.integers(1, 5_000), st.integers(1, 5_000))
def test_the_weights_balance_the_labels_as_ktos_authors_advise(desirable: int, undesirable: int):
    weights = kto_weights(desirable, undesirable)
    assert 1.0 in weights.values() and min(weights.values()) >= 1.0
    ratio = desirable * weights["desirable_weight"] / (undesirable * weights["undesirable_weight"])
    assert ratio + 1e-9 >= 1 and ratio <= 4 / 3 + 0.01
