"""Forecasts: the interval covers the truth about as often as it says."""

import random

import pytest

from pairforge.generator.forecast import Piloted, forecast, wilson


def world(count: int, seed: int) -> list[Piloted]:
    draw = random.Random(seed)
    return [Piloted(draw.random() < 0.7, draw.randint(1, 8), draw.randint(20, 900), 500) for _ in range(count)]


def test_a_pilot_of_everything_says_what_everything_cost():
    everything = world(200, seed=1)
    seen = forecast(everything, problems=200, tokens_per_s=100)
    tokens = sum(p.tokens for p in everything)
    assert seen.tokens.value == pytest.approx(tokens)
    assert seen.seconds.value == pytest.approx(tokens / 100)
    assert seen.accepted.value == sum(p.accepted for p in everything)
    assert seen.disk_bytes.low == seen.disk_bytes.value == 200 * 500


def test_the_interval_covers_the_truth_in_about_95_of_100_pilots():
    everything = world(5000, seed=2)
    tokens, accepted = sum(p.tokens for p in everything), sum(p.accepted for p in everything)
    covered = {"tokens": 0, "accepted": 0}
    for seed in range(100):
        seen = forecast(random.Random(seed).sample(everything, 50), problems=5000, tokens_per_s=1, seed=seed)
        covered["tokens"] += seen.tokens.low <= tokens <= seen.tokens.high
        covered["accepted"] += seen.accepted.low <= accepted <= seen.accepted.high
    assert all(85 <= count <= 100 for count in covered.values()), covered


def test_small_pilots_are_honest():
    assert wilson(0, 5).high > 0.3
    assert wilson(5, 5).low < 0.7
    with pytest.raises(ValueError, match="at least one"):
        forecast([], problems=10, tokens_per_s=1)
