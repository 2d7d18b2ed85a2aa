"""Copies of evaluation questions are found however they are rewritten; other problems are left alone."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.sources.matching import Match, Matcher
from pairforge.sources.question_text import normalise


def matcher(*sets: tuple[str, Sequence[str]], **options: object) -> Matcher:
    """A matcher with the defaults of a recipe."""
    usual: dict[str, object] = {"ngram": 8, "without_digits": True, "fuzzy": 0.75}
    return Matcher(sets, **(usual | options))  # type: ignore[arg-type]


# Written for these tests.
EVALUATION = (
    r"Marta has 14 kilograms of cherries. She fills 6 jars with $\frac{3}{4}$ of a kilogram each and gives twice as much "
    "to Oskar. How many kilograms of cherries does Marta keep?",
    r"Simplify $\frac{8}{22}$.",
    r"Compute $\sin 60^\circ$.",
    r"Let $f(x) = x^2 - 5x + 6$. Find the sum of all real $x$ such that $f(x) \le 0$ and $x$ is an integer.",
    "A ferry carries 45 cars and 12 trucks across the strait. Every car pays $18.50 and every truck pays three times as "
    "much. How much money does Captain Lund collect on one crossing?",
    r"What is the remainder when $7^{12}$ is divided by $11$?",
    "Oskar is twice as old as Ingrid. In 9 years Oskar will be 37 years old. How old is Ingrid now?",
    "[asy]draw((0,0)--(3,0)--(3,4)--cycle);[/asy] What is the area of the triangle in the diagram?",
)
UNRELATED = (
    "A baker fills 14 trays with 6 rolls each and sells three quarters of them. How many rolls are left?",
    r"Simplify $\frac{9}{24} + \frac{1}{8}$.",
    r"Compute $\cos 60^\circ$.",
    r"Find the product of all real $x$ such that $x^2 = 5x - 6$. Express your answer as a common fraction.",
    "A train carries 45 passengers to the city. How much money does the railway collect if a ticket costs $18.50?",
    "What is the probability that the sum of two dice is 7? Express your answer as a common fraction.",
    "Lena is 9 years older than her brother. How old will her brother be when Lena is 37?",
    "[asy]draw((0,0)--(5,0)--(5,12)--cycle);[/asy] What is the area of the triangle in the diagram?",
    "Find $x$.",
    "How many kilograms of flour does a bakery need for 6 loaves if each loaf takes 400 grams?",
)
REWRITES = {
    "unchanged": lambda text: text,
    "LaTeX": lambda text: (
        text.replace(r"\frac", r"\dfrac").replace("(", r"\left(").replace(")", r"\right)").replace(r"\le ", r"\leq ")
    ),
    "no LaTeX": lambda text: (
        text.replace(r"\frac{3}{4}", "3/4").replace(r"\frac{8}{22}", "8/22").replace("$", "").replace(r"^\circ", "°")
    ),
    "number words": lambda text: (
        text.replace("14", "fourteen").replace("45", "forty-five").replace("12 ", "twelve ").replace("9 ", "nine ")
    ),
    "digits": lambda text: text.replace("twice", "2 times").replace("three", "3").replace("one", "1"),
    "polite": lambda text: f"Please solve the following problem.\n\n{text}\n\nPut your answer in \\boxed{{}}.",
    "homework": lambda text: f'My niece brought this home from school: "{text}" Can anybody explain it?',
    "chat": lambda text: f"<|user|>{text}<|assistant|>",
    "in one line": lambda text: f"Solve step by step: {text} Answer:",
    "names": lambda text: (
        text.replace("Marta", "Benedikt").replace("Oskar", "Suzanne").replace("Ingrid", "Wu").replace("Lund", "Okafor")
    ),
    "shouted": lambda text: text if "\\" in text or "[asy]" in text else text.upper(),
}


@pytest.mark.parametrize("rewrite", REWRITES)
@pytest.mark.parametrize("question", EVALUATION, ids=range(len(EVALUATION)))
def test_a_question_is_found_however_it_is_rewritten(question: str, rewrite: str):
    found = matcher(("set", EVALUATION), without_digits=False).match(REWRITES[rewrite](question))
    assert found is not None and found.set_name == "set"


@pytest.mark.parametrize("problem", UNRELATED)
def test_an_unrelated_problem_is_left_alone(problem: str):
    assert matcher(("set", EVALUATION)).match(problem) is None


@given(st.sampled_from(EVALUATION), st.lists(st.sampled_from(sorted(REWRITES)), max_size=4, unique=True))
def test_rewrites_may_follow_one_another(question: str, rewrites: list[str]):
    for name in sorted(rewrites, key=lambda name: name in ("polite", "homework", "chat", "in one line")):
        question = REWRITES[name](question)
    assert matcher(("set", EVALUATION)).match(question) is not None


@given(st.permutations(EVALUATION), st.sampled_from([*EVALUATION, *UNRELATED]), st.sampled_from(sorted(REWRITES)))
def test_the_order_of_the_questions_does_not_matter(shuffled: list[str], problem: str, rewrite: str):
    copy = REWRITES[rewrite](problem)
    assert matcher(("set", shuffled)).match(copy) == matcher(("set", EVALUATION)).match(copy)


@given(st.text(min_size=1), st.text(), st.text())
def test_any_question_with_words_is_found_in_itself(question: str, before: str, after: str):
    prepared = matcher(("set", [question]))
    assert prepared.match(question) == (
        Match("set", "exact", quote) if (quote := " ".join(normalise(question).words)) else None
    )
    prepared.match(before + question + after)  # finds it or not, but always ends


def kind(problem: str, *questions: str, **options: object) -> str:
    found = matcher(("set", questions), **options).match(problem)  # type: ignore[arg-type]
    return found.kind if found else ""


CHERRIES, SHORT, FERRY = EVALUATION[0], EVALUATION[1], EVALUATION[4]


def test_the_kinds_and_the_options_that_turn_them_off():
    wrapped = f"Someone asked me today: {SHORT} Then he left."
    named = CHERRIES.replace("Marta", "Benedikt")
    passage = CHERRIES.replace("Marta keep", "Marta eat up by herself on the way back home")
    other = FERRY.replace("45", "60").replace("12", "7")
    assert kind(CHERRIES.lower(), CHERRIES) == "exact"
    assert kind(other, FERRY) == "numbers"
    assert kind(other, FERRY, without_digits=False, ngram=None) == ""
    assert kind(wrapped, SHORT) == "contained"
    assert kind(wrapped, SHORT, fuzzy=None) == ""
    assert kind(passage, CHERRIES, fuzzy=None) == "ngram"
    assert kind(passage, CHERRIES, fuzzy=None, ngram=None) == ""
    assert kind(named, CHERRIES, ngram=None) == "fuzzy"
    assert kind(named, CHERRIES, ngram=None, fuzzy=0.99) == ""


def test_a_short_question_must_stand_by_itself():
    assert kind(r"First add 3 and then simplify $\frac{8}{22} + 5x$ as far as you can.", SHORT) == ""
    assert kind("What is the value of $x$? What is the value of $x + 1$?", "What is the value of $x$?") == ""
    assert kind(r"please simplify 8/22 and put the answer in a box", SHORT) == "contained"


def test_a_stock_phrase_is_no_passage():
    phrase = "How many minutes will it take for the {} to {}?"
    one = phrase.format("lion", "catch the elephant that runs at 19 miles per hour through the dry savanna")
    other = phrase.format("tap", "fill the empty barrel if a litre of rain water drops every second into it")
    assert kind(one, other) == ""


def test_without_numbers_to_ignore_all_of_them_must_agree():
    changed = CHERRIES.replace("14", "15").replace("jars", "bags")
    assert kind(changed, CHERRIES, ngram=None) == "fuzzy"
    assert kind(changed, CHERRIES, ngram=None, without_digits=False) == ""


def test_names_must_be_exchanged_throughout_to_count_as_names():
    mixed = "Ann gives Bo 3 figs, Bo gives Cy 4 figs and Cy gives Di 5 figs. Who has most figs, Ann, Bo, Cy or Di?"
    renamed = mixed.replace("Ann", "Eve").replace("Bo", "Flo").replace("Cy", "Gus").replace("Di", "Hal")
    muddled = "Ann gives Bo 3 figs, Cy gives Flo 4 figs and Gus gives Hal 5 figs. Who has most figs, Eve, Di, Ed or Al?"
    score = {text: matcher(("s", [mixed]), ngram=None, fuzzy=0.0).match(text).score for text in (renamed, muddled)}  # type: ignore[union-attr]
    assert score[renamed] > score[muddled]


def test_instructions_that_all_questions_of_a_set_carry_do_not_hide_a_problem():
    prompts = [f"Solve the task below. {text} Reply with a single JSON object." for text in EVALUATION + UNRELATED]
    prepared = matcher(("prompts", prompts))
    assert all(prepared.match(text) for text in EVALUATION)


def test_a_typing_mistake_does_not_hide_a_word():
    rng = random.Random(0)
    for question in (CHERRIES, FERRY):
        letters = list(question)
        for place in rng.sample([k for k, letter in enumerate(letters) if letter.islower()], 4):
            letters[place] = rng.choice("aeioustr")
        assert kind("".join(letters), *EVALUATION, ngram=None)


def test_long_and_odd_problems_end_quickly():
    long = "Ann " + "has 3 figs and " * 4000
    assert kind(long, CHERRIES) == ""
    assert kind(f"{long} {CHERRIES}", CHERRIES) == "contained"
    assert kind("???", "!!!", "") == ""
