"""The text classifier finds what tells chosen from rejected, and nothing where nothing does."""

import json
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.chat import split_reasoning
from pairforge.demo import demo_path
from pairforge.filters.style_classifier import (
    FOLDS,
    MIN_PAIRS,
    classify_style,
    held_out_interval,
    shown,
)

PROBLEMS = [json.loads(line) for line in demo_path("pairforge:demo").read_text().splitlines()]


def demo_pairs(count: int = 60) -> list[tuple[str, str, str]]:
    """The demo's long solutions, and short ones in its style: the same plan, working and answer on one line."""
    pairs = []
    for row in PROBLEMS[:count]:
        thought = split_reasoning(row["solution"]).thought
        steps = [line.split(": ")[0].rstrip(".") for line in thought.splitlines() if "Let me check" not in line]
        short = f"<think>\n{'. '.join(steps)}.\n</think>\n\n{split_reasoning(row['solution']).answer}"
        pairs.append((row["id"], row["solution"], short))
    return pairs


VOCABULARY = ["".join(random.Random(n).choices("etaoinshr", k=2 + n % 6)) for n in range(1000)]


def words(count: int, seed: int) -> str:
    rng = random.Random(seed)
    return "".join(rng.choice(VOCABULARY) + rng.choice([" ", ", ", ".\n", " = 12 "]) for _ in range(count))


def random_pairs(count: int, length: int = 200) -> list[tuple[str, str, str]]:
    return [(str(n), words(length, 2 * n), words(length, 2 * n + 1)) for n in range(count)]


def flipped(pairs, seed: int):
    rng = random.Random(seed)
    return [(name, *(texts if rng.random() < 0.5 else texts[::-1])) for name, *texts in pairs]


def test_the_demos_styles_are_told_apart():
    found = classify_style(demo_pairs())
    assert found.accuracy >= 0.95 and found.low > 0.8
    assert {"lines: a line break in the thought", 'characters ":"'} <= {token for token, *_ in found.telling}
    assert {(chosen, rejected) for _, chosen, rejected in found.telling} == {(60, 0)}


@pytest.mark.parametrize("seed", range(4))
def test_sides_drawn_by_coin_flip_are_not(seed):
    """Also where the two styles differ in every pair: a style that stands on either side says nothing."""
    for pairs in (demo_pairs(60), random_pairs(60)):
        found = classify_style(flipped(pairs, seed))
        assert found.low <= 0.5 <= found.high


def test_the_interval_covers_chance_on_coin_flips():
    """The worst case: every pair differs in the same way, so all that varies is the coin."""
    covered = 0
    for seed in range(200):
        found = classify_style(flipped([(str(n), "yes", "no") for n in range(30)], seed))
        covered += found.low <= 0.5 <= found.high
    assert covered >= 0.93 * 200


@pytest.mark.parametrize(
    "mark", ["ß", "\N{ZERO WIDTH SPACE}", "\0", "\N{FULLWIDTH DIGIT SEVEN}", "7", "\n\n\n", "\ud800"]
)
def test_one_character_in_otherwise_equal_texts_is_found(mark):
    """Wherever it stands; every text holds other words."""
    pairs = []
    for n in range(60):
        text = words(60, n).replace("12", "x")
        at = random.Random(n).randrange(len(text))
        pairs.append((str(n), text[:at] + mark + text[at:], text))
    assert classify_style(pairs).accuracy == 1.0
    assert classify_style([(name, b, a) for name, a, b in pairs]).accuracy == 1.0


def test_one_character_among_thousands_of_other_differences_is_found():
    pairs = [(name, chosen[:50] + "ß" + chosen[50:], rejected) for name, chosen, rejected in random_pairs(60, 400)]
    found = classify_style(pairs)
    assert found.accuracy >= 0.95
    assert found.telling[0] == ('characters "ß"', 60, 0)


def test_equal_texts_are_chance():
    found = classify_style([(str(n), words(20, n), words(20, n)) for n in range(40)])
    assert (found.accuracy, found.telling) == (0.5, ())
    assert found.low < 0.5 < found.high


def test_too_few_pairs_or_problems_are_not_measured():
    pairs = demo_pairs(MIN_PAIRS)
    assert classify_style(pairs) is not None
    assert classify_style(pairs[:-1]) is None and classify_style([]) is None
    assert classify_style([(str(n % (FOLDS - 1)), *texts) for n, (_, *texts) in enumerate(pairs)]) is None


def test_pairs_of_one_problem_are_tested_together():
    """Every problem has words of its own on either side: learned from its other pairs, they would tell everything."""
    sides = flipped([(str(n), words(1, 2 * n), words(1, 2 * n + 1)) for n in range(60)], 5)
    found = classify_style([pair for pair in sides for _ in range(4)])
    assert found.low <= 0.5 <= found.high
    assert (found.pairs, found.problems) == (240, 60)
    assert classify_style([(f"{name} {n}", *texts) for name, *texts in sides for n in range(4)]).accuracy > 0.9


def test_the_order_of_the_pairs_does_not_matter():
    pairs = flipped(demo_pairs(100), 1)
    for seed in (0, 1):
        known = classify_style(pairs, seed=seed, max_pairs=50)
        assert known.pairs == 50
        for order in range(3):
            assert classify_style(random.Random(order).sample(pairs, 100), seed=seed, max_pairs=50) == known


def test_long_texts_and_many_pairs_take_seconds():
    long = [words(20_000, seed) for seed in range(4)]
    pairs = [(str(n), long[n % 4][100 * n :], long[n % 3][50 * n :]) for n in range(1000)]
    classify_style(pairs[:20])  # imports scikit-learn
    start = time.process_time()
    assert classify_style(pairs).pairs == 600
    assert time.process_time() - start < 6  # under 2 s when nothing else runs


HOSTILE = [
    "",
    "\0",
    "\ud800",
    "\n" * 5000,
    "<think>" * 3000,
    "a" * 3_000_000,
    " \t",
    "**" * 5000,
    "0" * 9000,
    "((((:" * 999,
]


def test_hostile_texts_are_measured():
    pairs = [(str(n), HOSTILE[n % len(HOSTILE)], HOSTILE[n // len(HOSTILE)]) for n in range(len(HOSTILE) ** 2)]
    found = classify_style(pairs)
    assert 0 <= found.low <= found.accuracy <= found.high <= 1
    json.dumps(found.telling, ensure_ascii=False).encode()  # can be written as UTF-8


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40)), min_size=MIN_PAIRS, max_size=40))
def test_any_texts_give_an_accuracy_and_swapping_the_sides_keeps_it(texts):
    pairs = [(str(n), a, b) for n, (a, b) in enumerate(texts)]
    found = classify_style(pairs)
    assert 0 <= found.low <= found.accuracy <= found.high <= 1
    for token, chosen, rejected in found.telling:
        assert token.isprintable() and chosen != rejected
    assert {(t, r, c) for t, c, r in found.telling} == set(
        classify_style([(name, b, a) for name, a, b in pairs]).telling
    )


def test_the_interval_narrows_with_the_problems_and_stays_inside_the_unit_interval():
    widths = []
    for count in (20, 60, 300, 600):
        for accuracy in np.linspace(0, 1, 11):
            low, high = held_out_interval(accuracy, count)
            assert 0 <= low <= accuracy <= high <= 1
        low, high = held_out_interval(0.5, count)
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True) and widths[-1] < 0.12


def test_tokens_are_shown_printable():
    assert shown(":") == 'characters ":"' and shown("words Let me") == 'words "Let me"'
    assert shown("\n0") == 'characters "\\n0"' and shown("\ud800") == 'characters "\\ud800"'
