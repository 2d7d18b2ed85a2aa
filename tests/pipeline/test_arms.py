"""Several arms: both sides sampled, each arm drawn only where its solutions can still make a pair."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairforge.cli.build import print_outlook
from pairforge.cli.console import print_summary
from pairforge.errors import RecipeError, RuleError, RunError
from pairforge.generator import Request
from pairforge.pipeline import Session, build, make_view, prepare, run_recipe, sample
from pairforge.pipeline.check import check
from pairforge.pipeline.outlook import outlook
from pairforge.pipeline.reporting import make_report
from pairforge.recipe import load_recipe
from pairforge.run import Run, view_pairs
from tests.pipeline.conftest import LONG, add

Make = Callable[..., Any]


def arm_of(request: Request) -> str:
    return request.key.split("/")[1]


def first_number(request: Request) -> int:
    """Which of the twelve problems it is: 1 to 12."""
    return int(request.prompt.split("What is ")[1].split()[0])


def long(request: Request) -> str:
    """A right long answer: about 50 of the student's tokens."""
    a = first_number(request)
    return LONG.format(a=a, b=a + 9, c=2 * a + 9)


def by_arm(request: Request) -> str:
    return long(request) if arm_of(request).startswith("long") else add(request)


@pytest.fixture
def arms(two_arms: Make) -> Make:
    return two_arms


def requests(engines: list[Any]) -> list[tuple[str, int, int]]:
    """(arm, problem, draw) of every request, in order."""
    return [(arm_of(r), first_number(r), r.draw) for engine in engines for r in engine.requests]


def test_two_arms_write_the_two_sides(arms: Make, scripted: Make, tmp_path: Path):
    engines = scripted(by_arm)
    summary = build(arms(), tmp_path / "run")
    assert (summary.pairs, summary.samples, summary.correct, len(engines)) == (12, 24, 24, 2)
    assert [{arm for arm, _, _ in requests([engine])} for engine in engines] == [{"short"}, {"long"}]
    pairs = view_pairs(Run(tmp_path / "run"), "default")
    assert {(p["chosen_key"].split("/")[1], p["rejected_key"].split("/")[1]) for p in pairs} == {("long", "short")}
    assert list(summary.arms) == ["short", "long"]
    assert summary.arms["long"]["samples"] == summary.arms["long"]["correct"] == 12
    assert summary.arms["long"]["tokens"] > summary.arms["short"]["tokens"] > 0
    assert summary.arms["long"]["seconds"] >= 0
    assert build(arms(), tmp_path / "run").pairs == 12
    assert len(engines) == 2, "nothing is drawn twice"


def test_report_and_totals_tell_each_arms_part(arms: Make, scripted: Make, tmp_path: Path):
    scripted(lambda r: "So \\boxed{0}" if arm_of(r) == "short" and first_number(r) <= 3 and r.draw == 0 else by_arm(r))
    summary = build(arms("generators.long.prompt.system=Take your time."), tmp_path / "run")
    assert (summary.arms["short"]["pass_rate"], summary.arms["long"]["pass_rate"]) == (0.75, 1)
    assert summary.arms["short"]["errors"] == 0
    page = make_report(Run(tmp_path / "run"), "default").read_text()
    assert "Take your time." in page
    assert "75.0%" in page
    assert ">short<" in page


@pytest.mark.engine
def test_the_bundled_recipe_samples_both_sides_with_two_engines_after_each_other(tmp_path: Path):
    few = ("sources.0.limit=16", *(f"generators.{name}.engine.max_num_seqs=16" for name in ("short", "long")))
    summary = build(load_recipe("recipes/both-sides.yaml", few), tmp_path / "run")
    assert summary.pairs > 0
    drawn = {(s.origin, s.problem_id) for s in Run(tmp_path / "run").sampled()}
    short, long = ({problem for name, problem in drawn if name == arm} for arm in ("short", "long"))
    assert len(short) == 16
    assert long < short or long == short
    for pair in view_pairs(Run(tmp_path / "run"), "default"):
        assert pair["chosen_tokens"] >= pair["rejected_tokens"] + 20


def test_arms_draw_with_seeds_of_their_own(arms: Make, scripted: Make, tmp_path: Path):
    scripted(by_arm)
    build(arms(), tmp_path / "run")
    assert len({s.seed for s in Run(tmp_path / "run").sampled()}) == 24


def test_the_second_arm_is_drawn_only_where_the_first_has_a_side(arms: Make, scripted: Make, tmp_path: Path):
    """Three problems are never solved by the short arm: no long solution could be paired there."""
    engines = scripted(lambda r: "No idea." if arm_of(r) == "short" and first_number(r) <= 3 else by_arm(r))
    assert build(arms(), tmp_path / "run").pairs == 9
    drawn = requests(engines)
    assert {problem for arm, problem, _ in drawn if arm == "long"} == set(range(4, 13))
    assert sorted(draw for arm, problem, draw in drawn if (arm, problem) == ("short", 1)) == [0, 1, 2]


def test_the_order_written_is_the_order_drawn(arms: Make, scripted: Make, tmp_path: Path):
    engines = scripted(by_arm)
    build(arms(names=("long", "short")), tmp_path / "run")
    assert [arm for arm, _, _ in requests(engines)] == ["long"] * 12 + ["short"] * 12
    assert all(r.max_tokens < 64 for r in engines[1].requests), "the long solutions bound the short ones"
    assert all(r.max_tokens == 64 for r in engines[0].requests), "nothing is known yet"


def test_a_known_short_partner_bounds_the_long_one(arms: Make, scripted: Make, tmp_path: Path):
    engines = scripted(by_arm)
    build(arms("filter.gap.max=40"), tmp_path / "run")
    assert all(r.max_tokens < 64 for r in engines[1].requests)
    assert {s.budget_limited for s in Run(tmp_path / "run").sampled() if s.origin == "long"} == {True}


def test_the_first_arm_goes_on_where_the_second_found_no_length_that_fits(arms: Make, scripted: Make, tmp_path: Path):
    """The first short solution of a problem is nearly as long as the long one; the second one is short."""

    def answer(request: Request) -> str:
        wordy = arm_of(request) == "short" and request.draw == 0 and first_number(request) <= 2
        return "well " * 26 + add(request) if wordy else by_arm(request)

    engines = scripted(answer)
    assert build(arms("filter.gap.min=20"), tmp_path / "run").pairs == 12
    assert len(engines) == 3
    assert {(arm, problem) for arm, problem, _ in requests(engines[2:])} == {("short", 1), ("short", 2)}
    assert all(r.draw == 1 and r.max_tokens < 64 for r in engines[2].requests), "a known partner bounds it now"


def test_a_side_may_have_several_arms_and_a_later_one_is_spared_where_an_earlier_one_served(
    arms: Make, recipe: Make, scripted: Make, tmp_path: Path
):
    engines = scripted(lambda r: "No idea." if arm_of(r) == "a" and first_number(r) % 2 else add(r))
    settings = arms(
        "sources.0.solutions=keep",
        "filter.chosen.origin=given",
        "filter.rejected.origin=[a, b]",
        names=("a", "b"),
    )
    summary = build(settings, tmp_path / "run")
    assert (summary.pairs, summary.samples) == (12, 6 + 6 * 3 + 6)
    assert {problem for arm, problem, _ in requests(engines) if arm == "b"} == {1, 3, 5, 7, 9, 11}


def test_a_build_without_pairs_says_why(arms: Make, scripted: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    scripted(lambda _: "No idea.")
    print_summary(build(arms(), tmp_path / "none"))
    assert "no pairs: most problems (12) were dropped because no solution stands on" in " ".join(
        capsys.readouterr().out.split()
    )
    scripted(add)
    print_summary(build(arms(), tmp_path / "equal"))
    assert "all candidates failed direction" in " ".join(capsys.readouterr().out.split())


def test_until_max_draws_all_arms_wherever_a_pair_is_possible(arms: Make, scripted: Make, tmp_path: Path):
    engines = scripted(lambda r: "No idea." if arm_of(r) == "short" and first_number(r) <= 3 else by_arm(r))
    every = ("generators.short.draws.until=max", "generators.long.draws.until=max")
    build(arms(*every), tmp_path / "run")
    assert len([r for r in requests(engines) if r[0] == "short"]) == 36
    assert len([r for r in requests(engines) if r[0] == "long"]) == 27


@pytest.mark.parametrize("which", ["short", "long"])
def test_enough_counts_pairs_across_the_arms(arms: Make, scripted: Make, tmp_path: Path, which: str):
    """A third of the long solutions are wrong: the short arm goes on until enough problems are paired."""
    engines = scripted(lambda r: "So \\boxed{0}" if arm_of(r) == "long" and first_number(r) % 3 == 0 else by_arm(r))
    summary = build(arms(f"generators.{which}.draws.enough=5"), tmp_path / "run")
    assert summary.pairs == 5
    assert len({problem for arm, problem, _ in requests(engines) if arm == "long"}) < 12
    more = build(arms(f"generators.{which}.draws.enough=8"), tmp_path / "run", extend=True)
    assert more.pairs == 8


def test_a_pilot_draws_all_arms_of_its_problems_and_they_count(arms: Make, scripted: Make, tmp_path: Path):
    engines = scripted(by_arm)
    seen = outlook(arms(), tmp_path / "run", pilot=4)
    drawn = requests(engines)
    assert {p for arm, p, _ in drawn if arm == "short"} == {p for arm, p, _ in drawn if arm == "long"}
    assert len(drawn) == 8
    assert (seen.drawable, seen.problems_to_draw) == (12, 8)
    assert seen.forecast is not None
    assert (seen.forecast.accepted.value, seen.forecast.draws.value) == (12, 24)
    assert {name: arm.forecast.draws.value for name, arm in seen.arms.items()} == {"short": 12, "long": 12}
    summary = build(arms(), tmp_path / "run")
    assert (len(requests(engines)), summary.samples) == (24, 24)
    assert seen.forecast.tokens.value == pytest.approx(sum(arm["tokens"] for arm in summary.arms.values()), rel=0.2)


@pytest.mark.parametrize("until", ["accepted", "max"])
def test_plan_says_what_each_order_of_the_arms_costs(arms: Make, scripted: Make, tmp_path: Path, until: str):
    """Every solution serves, so that the order decides nothing; a pilot of all problems expects what a build draws."""
    scripted(by_arm)
    every = tuple(f"generators.{name}.draws.until={until}" for name in ("short", "long"))
    seen = outlook(arms(*every, "generators.long.budget=full"), tmp_path / "run", pilot=12)
    assert {cost.order for cost in seen.orders} == {("short", "long"), ("long", "short")}
    summary = build(arms(*every, "generators.long.budget=full"), tmp_path / "run")
    drawn = sum(arm["tokens"] for arm in summary.arms.values())
    assert [cost.tokens for cost in seen.orders] == [pytest.approx(drawn)] * 2
    assert seen.forecast is not None
    assert seen.forecast.tokens.value == pytest.approx(drawn)
    assert seen.problems_to_draw == seen.most_tokens == 0
    assert seen.forecast.by_max_draws == ()
    print_outlook(seen)


def test_an_old_recipe_with_one_generator_costs_as_before(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    seen = outlook(recipe("generator.draws.until=max"), tmp_path / "run", pilot=4)
    assert seen.orders == []
    assert (seen.problems_to_draw, seen.forecast.draws.value, seen.forecast.accepted.value) == (8, 36, 12)


def test_a_run_of_one_generator_goes_on_as_an_arm_named_sampled(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(by_arm)
    short_form = recipe()
    build(short_form, tmp_path / "run")
    named = short_form.model_copy(update={"generator": None, "generators": {"sampled": short_form.generator}})
    assert build(named, tmp_path / "run").pairs == 12
    assert len(engines) == 1


def test_a_later_recipe_adds_an_arm(arms: Make, scripted: Make, tmp_path: Path):
    engines = scripted(by_arm)
    build(arms(), tmp_path / "run")
    grown = arms("filter.chosen.origin=long-2", names=("short", "long", "long-2"))
    with pytest.raises(RunError) as caught:
        build(grown, tmp_path / "run")
    assert "--extend" in caught.value.hint
    summary = build(grown, tmp_path / "run", extend=True)
    assert (len(engines), summary.pairs) == (3, 12)
    assert {arm for arm, _, _ in requests(engines[2:])} == {"long-2"}
    with pytest.raises(RunError):
        build(arms("generators.long.sampling.temperature=0.1"), tmp_path / "run", extend=True)


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (("filter.chosen.origin=lnog",), r"filter\.chosen\.origin: there is no arm 'lnog' \(arms: short, long\)"),
        (("filter.rejected.origin=[short, sampled]",), r"filter\.rejected\.origin: there is no arm 'sampled'"),
        (("filter.chosen.origin=given",), r"filter\.chosen\.origin: given, but no source brings solutions"),
    ],
)
def test_a_side_that_nobody_writes_is_refused_by_check_and_build(
    arms: Make, scripted: Make, tmp_path: Path, overrides: tuple[str, ...], told: str
):
    engines = scripted(by_arm)
    report = check(arms(*overrides))
    (sides,) = [item for item in report.checks if item.name == "sides"]
    assert not report.ok
    with pytest.raises(RuleError, match=told) as caught:
        build(arms(*overrides), tmp_path / "run")
    assert sides.detail in caught.value.message
    assert engines == [], "before a token is sampled"
    build(arms(), tmp_path / "run")
    with pytest.raises(RuleError, match=told):
        make_view(Session(arms(*overrides), Run(tmp_path / "run")), "other")


def test_check_looks_at_every_arm(arms: Make):
    report = check(arms("generators.long.prompt.system=Think step by step."))
    assert report.ok
    assert list(report.prompts) == ["short", "long"]
    assert "Think step by step." in report.prompts["long"]
    assert {"short: context", "long: context", "sides"} <= {item.name for item in report.checks}


@pytest.mark.parametrize("name", ["given", "any", "Long", "2nd", "a/b", "a.b", ""])
def test_a_name_that_no_arm_can_have(arms: Make, name: str):
    with pytest.raises(RecipeError, match="cannot name an arm"):
        arms(names=(f"'{name}'",))


def test_one_form_only(arms: Make):
    with pytest.raises(RecipeError, match="`generator` or `generators`, not both"):
        arms("generator={engine: {model: m}}")


# --- runs that an earlier version made with one generator ------------------------------------------------------------

STORED = Path(__file__).parent / "one_arm_run"


@pytest.fixture
def old_run(tmp_path: Path) -> Run:
    """Four problems of the demo, two draws each, as the version before arms stored them."""
    shutil.copytree(STORED, tmp_path / "old")
    return Run(tmp_path / "old")


def sides(run: Run) -> list[tuple[Any, ...]]:
    return sorted((p["chosen_key"], p["rejected_key"], str(p["chosen"])) for p in view_pairs(run, "default"))


def test_an_old_run_keeps_its_keys_and_pairs_and_samples_nothing(old_run: Run, scripted: Make):
    engines = scripted(lambda _: pytest.fail("nothing is missing"))
    keys, pairs = [s.key for s in old_run.each_sample()], sides(old_run)
    assert {key.split("/")[1] for key in keys} == {"given", "sampled"}
    summary = build(run_recipe(old_run), old_run.path)
    assert (summary.pairs, summary.samples, engines) == (4, 10, [])
    assert [s.key for s in old_run.each_sample()] == keys
    assert sides(old_run) == pairs
    sample(Session(run_recipe(old_run), old_run), extend=True)
    assert engines == []


def test_an_old_run_grows_by_an_arm(old_run: Run, scripted: Make):
    engines = scripted(lambda _: "Nothing.")
    recipe = run_recipe(old_run, ["filter.rejected.origin=second"])
    block = recipe.sampling_block()
    second = block.model_copy(update={"draws": block.draws.model_copy(update={"min": 1, "max": 1})})
    grown = recipe.model_copy(update={"generator": None, "generators": {"sampled": block, "second": second}})
    summary = build(grown, old_run.path, extend=True)
    assert [arm_of(r) for r in engines[0].requests] == ["second"] * 4
    assert summary.arms["sampled"]["samples"] == 10


def test_an_old_run_is_still_seen_as_made_differently(old_run: Run):
    with pytest.raises(RunError, match=r"generator\.sampling\.temperature: 0\.7 there, 0\.2 here"):
        prepare(run_recipe(old_run, ["generator.sampling.temperature=0.2"]), old_run.path)
