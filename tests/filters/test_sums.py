"""Sums over a problem's solutions: what they count, and that rules can name them."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.filters import BandSettings, Cap, Rules, SideRules, prepare, select
from pairforge.filters.choices.pick import PickBy
from pairforge.filters.sums import sum_columns, with_sums
from pairforge.filters.sweep import Arm, sweep
from tests.filters.tables import problems, random_tables, replace, sample, samples

THINKPO = Rules(chosen=SideRules(origin="given"), rejected=SideRules(origin="sampled"))


def evidence():
    """p has two correct short solutions and a wrong one, q a correct one, r none at all."""
    return prepare(
        problems("p", "q", "r"),
        samples(
            sample("p", "given", 300), sample("q", "given", 400), sample("r", "given", 500),
            sample("p", "sampled", 100), sample("p", "sampled", 120, draw=1),
            sample("p", "sampled", 50, "incorrect", draw=2), sample("p", "sampled", 10, "timeout", draw=3),
            sample("q", "sampled", 90), sample("q", "sampled", 60, draw=1, finish_reason="error"),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mean_correct_tokens_sampled", [110, 90, None]),
        ("min_correct_tokens_sampled", [100, 90, None]),
        ("max_correct_tokens_sampled", [120, 90, None]),
        ("n_correct_sampled", [2, 1, 0]),
        ("n_sampled", [4, 1, 0]),
        ("pass_rate_sampled", [2 / 3, 1, None]),
        ("agreement_sampled", [0.5, 1, None]),
        ("n_given", [1, 1, 1]),
        ("mean_correct_tokens_given", [300, 400, 500]),
    ],
)
def test_what_each_sum_counts(name, values):
    assert with_sums(evidence(), [name]).problems[name].to_list() == pytest.approx(values)


def test_agreement_counts_correct_solutions_as_one_answer_and_compares_others_as_text():
    rows = [
        sample("p", "sampled", 10, "correct", draw=0, answer="1/2"), sample("p", "sampled", 10, draw=1, answer="0.5"),
        sample("p", "sampled", 10, "incorrect", draw=2, answer=r"$\dfrac{1}{3}$"),
        sample("p", "sampled", 10, "incorrect", draw=3, answer=r"\frac {1}{3}"),
        sample("p", "sampled", 10, "incorrect", draw=4, answer=r"\frac13"),
        sample("p", "sampled", 10, "no_answer", draw=5, answer=""),
    ]  # fmt: skip
    found = with_sums(prepare(problems("p"), samples(*rows)), ["agreement_sampled"]).problems
    assert found["agreement_sampled"].to_list() == [2 / 5]


def test_only_sums_that_are_named_are_computed():
    before = evidence()
    assert with_sums(before, ["source", "gap", "n_nobody"]) is before
    assert set(with_sums(before, ["n_given"]).problems.columns) - set(before.problems.columns) == {"n_given"}


@settings(max_examples=25, deadline=None)
@given(st.builds(random_tables, st.integers(0, 999), st.integers(1, 12)))
def test_the_sums_agree_with_plain_loops(tables):
    made = with_sums(prepare(*tables), sum_columns(prepare(*tables))).problems
    for row in made.iter_rows(named=True):
        for arm in ("given", "sampled"):
            own = [
                s
                for s in tables[1].iter_rows(named=True)
                if s["problem_id"] == row["problem_id"] and s["origin"] == arm and s["finish_reason"] != "error"
            ]
            correct = [s for s in own if s["status"] == "correct"]
            lengths = [s["completion_tokens"] for s in correct if s["completion_tokens"] is not None]
            tried = [s for s in own if s["status"] in ("correct", "incorrect", "no_answer", "truncated")]
            answers = Counter("right" if s in correct else s["answer"] for s in own if s in correct or s["answer"])
            expected = {
                "n": len(own),
                "n_correct": len(correct),
                "mean_correct_tokens": sum(lengths) / len(lengths) if lengths else None,
                "min_correct_tokens": min(lengths, default=None),
                "max_correct_tokens": max(lengths, default=None),
                "pass_rate": len(correct) / len(tried) if tried else None,
                "agreement": max(answers.values()) / answers.total() if answers else None,
            }
            assert {what: row[f"{what}_{arm}"] for what in expected} == pytest.approx(expected)


def kept(**changes) -> str:
    return "".join(select(evidence(), replace(THINKPO, **changes)).pairs["problem_id"])


def test_rules_name_sums_like_any_column():
    assert kept() == "pq"
    assert kept(where="n_correct_sampled >= 2") == "p"
    assert kept(where="chosen_tokens > 3 * mean_correct_tokens_sampled") == "q"
    assert kept(band=BandSettings(by="pass_rate_sampled", keep="largest", n=1)) == "q"
    assert len(kept(caps=(Cap(by="n_given", max=1),))) == 1
    pairs = select(evidence(), THINKPO, columns=["n_correct_sampled"]).pairs
    assert pairs["n_correct_sampled"].to_list() == [2, 1]


def test_a_sweep_names_sums_too():
    rules = [replace(THINKPO, where=where) for where in ("n_correct_sampled >= 2", "agreement_sampled == 1")]
    assert [result.pairs for result in sweep(evidence(), [Arm({}, r) for r in rules])] == [1, 1]


def test_pick_takes_the_smallest_or_largest_value_of_an_expression():
    def picked(**changes) -> list[int]:
        return select(evidence(), replace(THINKPO, **changes)).pairs["rejected_tokens"].to_list()

    assert picked(pick=PickBy(by="abs(gap - 180)")) == [120, 90]
    assert picked(pick=PickBy(by="abs(rejected_tokens - mean_correct_tokens_sampled - 1)")) == [120, 90]
    assert picked(pick=PickBy(by="rejected_tokens", order="largest")) == [120, 90]
    assert picked(pick=PickBy(by="rejected_tokens"), rejected=SideRules(origin="sampled", status="any")) == [10, 90]


def test_pick_chosen_takes_an_expression_before_pick():
    table = samples(
        *(sample("p", "given", n, draw=at, model=model) for at, (n, model) in enumerate([(300, "b"), (500, "a")])),
        *(sample("p", "sampled", n, draw=at) for at, n in enumerate([100, 200])),
    )
    for order, chosen in (("smallest", 500), ("largest", 300)):
        rules = replace(THINKPO, pick_chosen=PickBy(by="chosen_model", order=order), pick="longest")
        pairs = select(prepare(problems("p"), table), rules).pairs
        assert pairs.select("chosen_tokens", "rejected_tokens").rows() == [(chosen, 200)]
        assert pairs["pick"].to_list() == ["longest"]


def test_an_unknown_value_is_never_preferred():
    table = samples(
        sample("p", "given", 300),
        sample("p", "sampled", 100, repetition=None), sample("p", "sampled", 200, draw=1, repetition=0.9),
    )  # fmt: skip
    for order in ("smallest", "largest"):
        rules = replace(THINKPO, pick=PickBy(by="rejected_repetition", order=order))
        assert select(prepare(problems("p"), table), rules).pairs["rejected_tokens"].to_list() == [200]


@settings(max_examples=25, deadline=None)
@given(st.builds(random_tables, st.integers(0, 999), st.integers(0, 12)), st.integers(0, 30))
def test_closest_is_an_expression_like_any(tables, target):
    one = select(prepare(*tables), replace(THINKPO, pick="closest", target_gap=target)).pairs
    other = select(prepare(*tables), replace(THINKPO, pick=PickBy(by=f"abs(gap - {target})"))).pairs
    assert one.drop("pick").equals(other.drop("pick"))
