"""Every recipe of the literature gives the pairs that the paper's rule gives, written down a second time."""

from __future__ import annotations

import inspect
import random
from pathlib import Path

import polars as pl
import pytest

from pairforge.filters import select_pairs
from pairforge.recipe import load_recipe
from tests.filters import tables
from tests.literature.references import REFERENCES, Group, Row

FOLDER = Path(__file__).parents[2] / "recipes" / "literature"
ARMS = {"sampled": 8, "fcs_reflection": 3, "long": 8, "short": 8, "large": 1, "small": 1}
RARE = ("thinkpo", "thinkpo-gap-bands", "implicit-reward-gap", "olmo3-capped-gap")  # few candidates become pairs
ONE_DRAW = ("thinkpo", "thinkpo-gap-bands", "implicit-reward-gap")
STATUSES = ["correct"] * 4 + ["incorrect"] * 3 + ["no_answer", "truncated"]


def small_table(seed: int, n: int, *, draws: int) -> list[Row]:
    """Solutions of every arm for `n` problems. Lengths differ within a problem, so that no choice is a tie."""
    rng = random.Random(seed)
    rows = []
    for number in range(n):
        easy = rng.random() < 0.2
        lengths = iter(rng.sample(range(10, 9000), 40))
        for origin, count in {"given": 1, **ARMS, "sampled": draws}.items():
            for draw in range(count):
                status = "correct" if easy else rng.choice(STATUSES)
                boxes = 0 if status == "no_answer" else rng.choice([0, 1, 1, 2])
                rows.append({
                    "key": f"p{number}/{origin}/{draw}/64", "problem": f"p{number}", "origin": origin, "draw": draw,
                    "status": status, "tokens": next(lengths), "boxes": boxes,
                    "tuned": rng.uniform(-900, -100), "base": rng.uniform(-900, -100),
                })  # fmt: skip
    return rows


def pairs_of(name: str, rows: list[Row]) -> set[tuple[str, str]]:
    """The pairs that the recipe's rules make of the table."""
    recipe = load_recipe(FOLDER / f"{name}.yaml")
    solved = {row["problem"]: [] for row in rows}
    for row in rows:
        if row["origin"] == "sampled":
            solved[row["problem"]].append(row["status"] == "correct")
    problems = tables.problems(*({"problem_id": p, "pass_rate": sum(s) / len(s)} for p, s in solved.items()))
    samples = tables.samples(
        *(
            tables.sample(row["problem"], row["origin"], row["tokens"], row["status"], draw=row["draw"], max_tokens=64)
            for row in rows
        )
    )
    more = pl.DataFrame(rows).select("boxes", tuned_sum="tuned", base_sum="base")
    found = select_pairs(problems, samples.with_columns(more), recipe.filter, seed=recipe.seed).pairs
    return set(found.select("chosen_key", "rejected_key").iter_rows())


def check(found: set[tuple[str, str]], groups: list[Group]) -> None:
    for couples, count in groups:
        assert len(found & couples) == count, (found & couples, couples, count)
    assert len(found) == sum(count for _, count in groups)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_a_recipe_gives_the_pairs_of_the_paper(name: str, seed: int):
    rows = small_table(seed, 400 if name in RARE else 60, draws=1 if name in ONE_DRAW else 8)
    groups = REFERENCES[name](rows)
    assert sum(count for _, count in groups) >= 3
    check(pairs_of(name, rows), groups)


def test_every_recipe_has_a_reference_and_every_reference_a_recipe():
    assert {file.stem for file in FOLDER.glob("*.yaml")} == REFERENCES.keys()


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_a_reference_is_short_enough_to_read(name: str):
    assert len(inspect.getsource(REFERENCES[name]).splitlines()) <= 30


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_a_recipe_says_what_is_the_papers_what_is_ours_and_what_is_open(name: str):
    head = (FOLDER / f"{name}.yaml").read_text().split("\nseed:")[0]
    assert any(f"# {word} " in head for word in ("paper", "authors", "report"))
    assert "# ours " in head and "# open " in head and f"recipes/literature/{name}.yaml" in head
    assert "arXiv" in head or "novasky-ai.github.io" in head


def test_a_reference_that_disagrees_is_noticed():
    rows = small_table(0, 80, draws=8)
    [(couples, count)] = REFERENCES["kimi-long2short"](rows)
    with pytest.raises(AssertionError):
        check(pairs_of("kimi-long2short", rows) - {next(iter(couples))}, [(couples, count)])
