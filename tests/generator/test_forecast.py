"""Forecasts: the interval covers the truth about as often as it says."""

import random

import pytest

from pairforge.generator.forecast import Piloted, forecast, wilson


def world(count: int, seed: int) -> list[Piloted]:
    draw = random.Random(seed)
    worlds = []
    for _ in range(count):
        tokens = tuple(draw.randint(20, 200) for _ in range(draw.randint(1, 8)))
        worlds.append(Piloted(tokens, len(tokens) if draw.random() < 0.7 else None, 500))
    return worlds


def test_a_pilot_of_everything_says_what_everything_cost():
    everything = world(200, seed=1)
    seen = forecast(everything, problems=200, tokens_per_s=100)
    tokens = sum(p.tokens for p in everything)
    assert seen.tokens.value == pytest.approx(tokens)
    assert seen.seconds.value == pytest.approx(tokens / 100)
    assert seen.accepted.value == sum(p.accepted for p in everything)
    assert [seen.disk_bytes.low, seen.disk_bytes.value] == pytest.approx([200 * 500] * 2)


def test_without_a_rate_the_seconds_are_unknown():
    seen = forecast(world(5, seed=3), problems=10, tokens_per_s=None)
    assert seen.seconds is None
    assert seen.tokens.value > 0


def test_the_interval_covers_the_truth_in_about_95_of_100_pilots():
    everything = world(5000, seed=2)
    tokens, accepted = sum(p.tokens for p in everything), sum(p.accepted for p in everything)
    covered = {"tokens": 0, "accepted": 0}
    for seed in range(100):
        seen = forecast(random.Random(seed).sample(everything, 50), problems=5000, tokens_per_s=1, seed=seed)
        covered["tokens"] += seen.tokens.low <= tokens <= seen.tokens.high
        covered["accepted"] += seen.accepted.low <= accepted <= seen.accepted.high
    assert all(85 <= count <= 100 for count in covered.values()), covered


def test_a_pilot_shows_what_each_further_draw_buys():
    pilot = [Piloted((10,), 1, 0), Piloted((10, 30), 2, 0), Piloted((20, 20, 40), None, 0), Piloted((0,), 1, 0)]
    first, second, third = forecast(pilot, problems=4, tokens_per_s=1).by_max_draws
    assert (first.accepted_share, first.tokens_each) == (0.5, 40 / 2)
    assert (second.accepted_share, second.tokens_each) == (0.75, 90 / 3)
    assert (third.accepted_share, third.tokens_each) == (0.75, 130 / 3)
    assert forecast(pilot[2:3], problems=1, tokens_per_s=1).by_max_draws[0].tokens_each is None


def test_where_some_are_enough_the_whole_ends_there():
    """Of every ten problems, four are accepted at once, two more with the second draw, and each draw uses 10 tokens."""
    pilot = [Piloted((10,), 1, 100)] * 4 + [Piloted((10, 10), 2, 200)] * 2 + [Piloted((10, 10), None, 200)] * 4
    whole = forecast(pilot, problems=1000, tokens_per_s=10)
    assert (whole.accepted.value, whole.draws.value) == (600, 1600)
    half = forecast(pilot, problems=1000, tokens_per_s=10, enough=200)
    assert (half.accepted.value, half.draws.value, half.tokens.value) == pytest.approx((200, 500, 5000))
    assert (half.seconds.value, half.disk_bytes.value) == pytest.approx((500, 50_000))
    deeper = forecast(pilot, problems=1000, tokens_per_s=10, enough=500)
    assert (deeper.accepted.value, deeper.draws.value) == pytest.approx((500, 1000 + 600 / 2))
    assert forecast(pilot, problems=1000, tokens_per_s=10, enough=5000) == whole
    twice = forecast(pilot, problems=1000, tokens_per_s=10, enough=300, min_draws=2)
    assert (twice.accepted.value, twice.draws.value) == pytest.approx((300, 1600 / 2))


def test_small_pilots_are_honest():
    assert wilson(0, 5).high > 0.3
    assert wilson(5, 5).low < 0.7
    with pytest.raises(ValueError, match="at least one"):
        forecast([], problems=10, tokens_per_s=1)
