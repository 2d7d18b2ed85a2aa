"""The difficulty of paired problems, without the bias of the draws that selected them."""

import numpy as np
import pytest

from pairforge.filters import Rules, SideRules, prepare, select
from pairforge.filters.paired_difficulty import difficulties, difficulty, difficulty_in_words
from tests.filters.tables import problems, sample, samples


def drawn_until_right(chances, most, rng):
    """Right draws and draws of each problem, where drawing stops at the first right one."""
    right, n = np.zeros(len(chances)), np.zeros(len(chances))
    for at, chance in enumerate(chances):
        for _ in range(most):
            n[at] += 1
            if rng.random() < chance:
                right[at] = 1
                break
    return right, n


@pytest.mark.parametrize("spread", ["beta", "two kinds"])
@pytest.mark.parametrize("most", [2, 4])
def test_the_corrected_share_is_that_of_new_draws_of_the_same_problems(spread, most):
    """Over 12 simulated runs: the naive share is far off, the corrected one near, and the interval covers."""
    rng = np.random.default_rng(7)
    errors, naive, covered = [], [], 0
    for seed in range(12):
        chances = rng.beta(0.8, 1.2, 400) if spread == "beta" else rng.choice([0.1, 0.7], 400)
        right, n = drawn_until_right(chances, most, rng)
        found = difficulty("sampled", right, n, right > 0, seed=seed)
        truth = chances[right > 0].mean()
        errors.append(found.value - truth)
        naive.append(found.on_selecting_draws - truth)
        covered += found.low <= truth <= found.high
    assert np.mean(naive) > 0.1 and abs(np.mean(errors)) < 0.05
    if spread == "beta":
        assert abs(np.mean(errors)) < 0.03 and covered >= 10


def test_one_draw_per_problem_leaves_a_range():
    right = np.array([1.0] * 30 + [0.0] * 30)
    found = difficulty("sampled", right, np.ones(60), right > 0)
    assert (found.value, found.low, found.high, found.one_draw) == (None, 0.5, 1.0, True)
    assert "anything from 50% to 100% possible" in difficulty_in_words(found)


def test_each_arm_has_its_own_estimate_over_its_own_problems():
    rng = np.random.default_rng(0)
    names = [f"p{i:03}" for i in range(120)]
    table = [sample(name, "given", 300) for name in names]
    for name, chance in zip(names, rng.beta(1, 1, 120), strict=True):
        for draw in range(4):
            table.append(sample(name, "sampled", 100, "correct" if rng.random() < chance else "incorrect", draw=draw))
    table.append(sample("p000", "long", 200))  # an arm of one problem says nothing
    evidence = prepare(problems(*names), samples(*table))
    pairs = select(evidence, Rules(chosen=SideRules(origin="given"))).pairs
    (found,) = difficulties(evidence, pairs["problem_id"])
    assert (found.arm, found.drawn, found.paired) == ("sampled", 120, pairs["problem_id"].n_unique())
    assert found.low < found.value < found.high and found.all_problems < found.value < found.on_selecting_draws
    sentence = difficulty_in_words(found)
    assert sentence.startswith(f"how often sampled solves the {found.paired} paired problems: ")
    assert difficulties(evidence, []) == []
