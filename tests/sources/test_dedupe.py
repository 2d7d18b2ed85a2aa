"""Near duplicates: other words for the same task go, the same words for another task stay."""

from hypothesis import given
from hypothesis import strategies as st

from pairforge.records import Problem, problem_id
from pairforge.sources.dedupe import drop_near_duplicates, words

FARM = "A farmer has 12 cows and 30 hens on his farm near the river. How many legs do all of his animals have in total?"


def problem(question: str, answer: str = "108", row: int = 1) -> Problem:
    return Problem(problem_id(question), question, answer, "s", rows=(f"s:{row}",))


def test_a_reworded_problem_is_a_duplicate_and_its_drop_shows_the_twin():
    reworded = FARM.replace("near the river", "near the river,").replace("all of his animals", "all his animals")
    kept, drops = drop_near_duplicates([problem(FARM), problem(reworded, row=2)], threshold=0.7)
    assert [p.rows for p in kept] == [("s:1",)]
    [drop] = drops
    assert (drop.subject, drop.reason) == ("s:2", "near_duplicate")
    assert "like s:1" in drop.detail and "12 cows" in drop.detail


def test_other_numbers_or_another_answer_make_another_problem():
    others = [problem(FARM.replace("12", "13"), "112", 2), problem(FARM.replace("legs", "eyes"), "84", 3)]
    kept, drops = drop_near_duplicates([problem(FARM), *others], threshold=0.6)
    assert len(kept) == 3 and not drops


def test_every_row_of_a_merged_duplicate_is_accounted_for():
    twice = Problem("x", FARM + " Tell.", "108", "s", rows=("s:2", "t:9"))
    _, drops = drop_near_duplicates([problem(FARM), twice], threshold=0.8)
    assert [drop.subject for drop in drops] == ["s:2", "t:9"]


@given(st.lists(st.text(alphabet="abc 1", max_size=12), max_size=8))
def test_problems_are_kept_or_dropped_never_lost(questions: list[str]):
    problems = [problem(q, "1", row) for row, q in enumerate(questions)]
    kept, drops = drop_near_duplicates(problems, threshold=0.8)
    assert len(kept) + len(drops) == len(problems)
    assert drop_near_duplicates(kept, threshold=0.8)[1] == []


def test_words_of_formulas_and_of_languages_without_spaces():
    assert words("Find $\\frac{1}{2}+x_1$!") == ["find", "frac", "1", "2", "x", "1"]
    assert words("求12个") == ["求", "12", "个"]
