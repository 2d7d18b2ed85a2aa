"""Forecasts: the interval covers the truth about as often as it says."""

import random

import pytest

from pairforge.generator.forecast import Piloted, forecast


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


def hard_world(count: int, share: float, seed: int) -> list[Piloted]:
    """Problems of which a share is accepted within four draws, with lengths that differ by problem and by draw."""
    draw = random.Random(seed)
    worlds = []
    for _ in range(count):
        typical, tokens, accepted = draw.lognormvariate(5, 0.6), [], None
        while len(tokens) < 4 and accepted is None:
            tokens.append(1 + int(typical * draw.lognormvariate(0, 0.4)))
            accepted = len(tokens) if draw.random() < 1 - (1 - share) ** (1 / 4) else None
        worlds.append(Piloted(tuple(tokens), accepted, 500 * len(tokens)))
    return worlds


def spent(everything: list[Piloted], enough: int | None) -> tuple[int, float, float]:
    """Accepted, draws and tokens of the whole: round after round of draws until enough are accepted."""
    accepted, draws, tokens = 0, 0.0, 0.0
    for number in range(1, 5):
        drawn = [p for p in everything if p.draws >= number]
        gained = sum(p.accepted_after == number for p in drawn)
        part = 1.0 if enough is None or not gained else min(1.0, (enough - accepted) / gained)
        draws, tokens = draws + part * len(drawn), tokens + part * sum(p.draw_tokens[number - 1] for p in drawn)
        accepted += round(part * gained)
        if part < 1:
            break
    return accepted, draws, tokens


def coverage(share: float, size: int, enough_share: float | None, pilots: int) -> dict[str, float]:
    everything = hard_world(2000, share, seed=1)
    enough = None if enough_share is None else int(2000 * share * enough_share)
    truth = dict(zip(("accepted", "draws", "tokens"), spent(everything, enough), strict=True))
    covered = dict.fromkeys(truth, 0)
    for seed in range(pilots):
        pilot = random.Random(seed).sample(everything, size)
        seen = forecast(pilot, problems=2000, tokens_per_s=1, enough=enough, seed=seed)
        for name, value in truth.items():
            estimate = getattr(seen, name)
            covered[name] += estimate.low - 1e-6 <= value <= estimate.high + 1e-6
    return {name: count / pilots for name, count in covered.items()}


@pytest.mark.parametrize("share", [0.05, 0.7])
@pytest.mark.parametrize("enough_share", [None, 0.35])
def test_intervals_cover_the_truth_also_where_few_are_accepted(share: float, enough_share: float | None):
    """93 of 100 at least; with the noise of 100 pilots: 90."""
    covered = coverage(share, 20, enough_share, 100)
    assert min(covered.values()) >= 0.90, covered


@pytest.mark.full
@pytest.mark.parametrize("size", [10, 20, 50, 100])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.3, 0.7])
@pytest.mark.parametrize("enough_share", [None, 0.35])
def test_intervals_cover_the_truth_at_length(size: int, share: float, enough_share: float | None):
    covered = coverage(share, size, enough_share, 600)
    assert min(covered.values()) >= 0.93 - 0.015, covered


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
    none = forecast([Piloted((10, 10), None, 0)] * 5, problems=100, tokens_per_s=1)
    assert none.accepted.low == 0 < 40 < none.accepted.high
    every = forecast([Piloted((10,), 1, 0)] * 5, problems=100, tokens_per_s=1)
    assert every.accepted.low < 60 < every.accepted.high == 100
    with pytest.raises(ValueError, match="at least one"):
        forecast([], problems=10, tokens_per_s=1)
