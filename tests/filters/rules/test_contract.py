"""What every rule, choice and control arm owes its users. A failure names the rule and what it lacks."""

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from pairforge.errors import RuleError
from pairforge.filters import (
    Bounds,
    Facts,
    Rules,
    SideRules,
    Target,
    accepts,
    choices,
    controls,
    longest_useful,
    loosest_target,
    rules,
    select_pairs,
)
from pairforge.filters.choices import CHOICES
from pairforge.filters.controls import CONTROLS, ControlArm
from pairforge.filters.controls.control import Control
from pairforge.filters.measures import QUALITY_COLUMNS
from pairforge.filters.rule import Choice, Model, PairRule, ProblemRule, SideRule
from pairforge.filters.rules import PAIR_RULES, PROBLEM_RULES, SIDE_RULES
from pairforge.filters.ruleset import FilterSettings, Student, check_rules, columns_named, measures_needed
from pairforge.filters.target import KNOWN_OF_PAIR, KNOWN_OF_SAMPLE, read_target
from tests.filters.tables import random_tables, replace

LISTS = {
    ProblemRule: ("ProblemRules in rules/__init__.py", PROBLEM_RULES),
    SideRule: ("SideRules in rules/__init__.py", SIDE_RULES),
    PairRule: ("PairRules in rules/__init__.py", PAIR_RULES),
    Choice: ("Choices in choices/__init__.py", CHOICES),
    Control: ("CONTROLS in controls/__init__.py", tuple(type(control) for control in CONTROLS)),
}
RULES: list[type[Model]] = [*PROBLEM_RULES, *SIDE_RULES, *PAIR_RULES, *CHOICES]
WITH_KEYS = [(rule, key) for rule in RULES for key in rule.model_fields]

# Everything is a candidate and every candidate a pair: what a rule takes away shows.
ANY = SideRules(origin="any", status="any")
LOOSEST = Rules(direction="any", chosen=ANY, rejected=ANY, pick="all")
# Settings beside which a key shows, where the loosest rules leave it nothing to do.
BESIDE: dict[str, dict[str, Any]] = {
    "direction": {"direction": "long"},
    "pick": {"pick": "shortest"},
    "pick_chosen": {"pick": "random"},
    "target_gap": {"pick": "closest"},
    "per_problem": {"pick": "shortest"},
    "wrong_share": {"rejected": SideRules(origin="any")},
}


def with_key(rule: type[Model], key: str, value: Any) -> Rules:
    """The loosest rules with one key changed, on both sides where it is a side's."""
    if issubclass(rule, SideRule):
        side = replace(ANY, **{key: value})
        return replace(LOOSEST, chosen=side, rejected=side)
    return replace(LOOSEST, **{**BESIDE.get(key, {}), key: value})


def without_key(key: str) -> Rules:
    return replace(LOOSEST, **BESIDE.get(key, {}))


def examples_of(rule: type[Model], key: str) -> list[Any]:
    found = rule.model_fields[key].examples
    assert found, f"{rule.__name__}.{key}: give Field(examples=[...]), values that are not the default"
    return list(found)


@pytest.fixture(scope="module")
def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    return measured(*random_tables(5, 60, 6))


def measured(problems: pl.DataFrame, samples: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables with every measure of the text."""
    number = pl.int_range(pl.len())
    columns = {name: (5 * number + i) % 7 for i, name in enumerate(QUALITY_COLUMNS) if name != "repetition"}
    return problems, samples.with_columns(**columns)


def pairs_of(tables: tuple[pl.DataFrame, pl.DataFrame], chosen: Rules) -> list[tuple[str, str]]:
    return select_pairs(*tables, chosen).pairs.select("chosen_key", "rejected_key").rows()


# --- lists -------------------------------------------------------------------------------------------------------


def files() -> list[ModuleType]:
    return [
        importlib.import_module(f"{folder.__name__}.{found.name}")
        for folder in (rules, choices, controls)
        for found in pkgutil.iter_modules(folder.__path__)
        if found.name != "control"
    ]


@pytest.mark.parametrize("module", files(), ids=lambda module: module.__name__.removeprefix("pairforge.filters."))
def test_every_file_holds_one_rule_that_stands_in_its_list(module: ModuleType):
    own = [
        cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__ and issubclass(cls, tuple(LISTS))
    ]
    assert len(own) == 1, f"{module.__name__} holds {len(own)} rules, expected one"
    name, listed = next(entry for kind, entry in LISTS.items() if issubclass(own[0], kind))
    assert own[0] in listed, f"{own[0].__name__} ({module.__file__}) is not in the list {name}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_rule_takes_the_key_of_another(rule: type[Model]):
    keys = [
        key
        for other in RULES
        if issubclass(other, SideRule) == issubclass(rule, SideRule)
        for key in other.model_fields
    ]
    twice = [key for key in rule.model_fields if keys.count(key) > 1]
    assert not twice, f"{rule.__name__}: another rule has the key {twice}"


# --- keys --------------------------------------------------------------------------------------------------------


def models(kind: type[BaseModel]) -> list[type[BaseModel]]:
    """A model and those of its fields."""
    found = [kind]
    for field in kind.model_fields.values():
        found += [
            m for t in (field.annotation, *getattr(field.annotation, "__args__", ())) if is_model(t) for m in models(t)
        ]
    return list(dict.fromkeys(found))


def is_model(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, BaseModel)


MODELS = list(dict.fromkeys(model for kind in (*RULES, ControlArm, Student, FilterSettings) for model in models(kind)))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_has_a_description_and_refuses_unknown_ones(model: type[BaseModel]):
    bare = [name for name, field in model.model_fields.items() if not field.description]
    assert not bare, f"{model.__name__}: Field(description=...) is missing for {bare}"
    assert model.model_config["extra"] == "forbid" and model.model_config["frozen"], model.__name__


@pytest.mark.parametrize(("rule", "key"), WITH_KEYS, ids=lambda value: getattr(value, "__name__", value))
def test_every_key_stands_in_the_recipe_and_changes_the_selection(rule, key, tables):
    block = SideRules if issubclass(rule, SideRule) else FilterSettings
    assert key in block.model_fields, f"{rule.__name__}: the key '{key}' is not in {block.__name__}"
    table = agreeing(tables) if key == "gold_suspects" else tables
    for value in examples_of(rule, key):
        changed = with_key(rule, key, value)
        check_rules(changed)
        assert pairs_of(table, changed) != pairs_of(table, without_key(key)), (
            f"{rule.__name__}: '{key}: {value}' changes no pair: are its conditions there?"
        )


def agreeing(tables: tuple[pl.DataFrame, pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every solution of the first problems is incorrect, with one answer."""
    problems, samples = tables
    names = problems["problem_id"].head(20).implode()
    return problems, samples.with_columns(
        status=pl.when(pl.col("problem_id").is_in(names)).then(pl.lit("incorrect")).otherwise("status"),
    )


@pytest.mark.parametrize(("rule", "key"), WITH_KEYS, ids=lambda value: getattr(value, "__name__", value))
def test_every_key_has_a_sentence(rule, key):
    before = set(without_key(key).sentences())
    for value in examples_of(rule, key):
        new = [sentence for sentence in with_key(rule, key, value).sentences() if sentence not in before]
        assert new, f"{rule.__name__}: '{key}: {value}' has no sentence for the card"
        if issubclass(rule, SideRule):
            assert len(new) == 2 and "chosen side" in new[0] and "rejected side" in new[1], f"{rule.__name__}: {new}"
        assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in new), f"{rule.__name__}: {new}"


@pytest.mark.parametrize(("rule", "key"), WITH_KEYS, ids=lambda value: getattr(value, "__name__", value))
def test_every_condition_is_on_a_column_that_exists_or_is_measured(rule, key, tables):
    samples = {*tables[1].columns, "tokens"}
    for value in examples_of(rule, key):
        changed = with_key(rule, key, value)
        columns = {name for c in changed.chosen.side_conditions() for name in c.columns}
        unknown = columns - samples
        assert not unknown, f"{rule.__name__}: its conditions name {sorted(unknown)}, which nothing measures"
        assert columns & set(QUALITY_COLUMNS) <= measures_needed(columns_named(changed)), rule.__name__
        select_pairs(*tables, changed)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_every_control_arm_changes_the_selection_and_says_so(control, tables):
    base = Rules(gap=Bounds(min=5))
    made = replace(base, control=control.name)
    one, other = (select_pairs(*tables, r).pairs.drop("pick") for r in (base, made))
    assert not one.equals(other), f"{type(control).__name__} changes nothing"
    assert set(made.sentences()) - set(base.sentences()) == {control.sentence}


# --- sampling ----------------------------------------------------------------------------------------------------


def facts(samples: pl.DataFrame, problem: str) -> list[Facts]:
    own = samples.filter(problem_id=problem).rename({"completion_tokens": "tokens"})
    names = ["origin", "status", "tokens", "prompt_tokens", "finish_reason", "side", "model"]
    return [Facts(**row) for row in own.select(names).to_dicts()]


def known_while_sampling(changed: Rules) -> bool:
    """Whether all that the rules ask of one problem's samples is known when they are sampled."""
    of_sample = [c.while_sampling and KNOWN_OF_SAMPLE.issuperset(c.columns) for c in changed.chosen.side_conditions()]
    of_pair = [c.while_sampling and KNOWN_OF_PAIR.issuperset(c.columns) for c in changed.pair_conditions()]
    return all(of_sample) and all(of_pair) and not list(changed.problem_conditions())


# A choice among many problems' pairs may leave out a problem that sampling served.
ACROSS_PROBLEMS = {"wrong_share", "band", "caps", "n_pairs"}


@pytest.mark.parametrize(("rule", "key"), WITH_KEYS, ids=lambda value: getattr(value, "__name__", value))
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_sampling_accepts_what_the_rule_pairs(rule, key, seed):
    """Never a problem refused that the view would pair; and none accepted that a rule on one problem leaves out."""
    problems, samples = measured(*random_tables(seed, 8))
    for value in examples_of(rule, key):
        changed = with_key(rule, key, value)
        target = loosest_target(changed)
        paired = set(select_pairs(problems, samples, changed).pairs["problem_id"])
        for problem in problems["problem_id"]:
            accepted = accepts(facts(samples, problem), replace(target, per_problem=1))
            about = f"{rule.__name__}: '{key}: {value}' while sampling"
            if key != "wrong_share" or value == 1:  # a share asks sampling for nothing: wrong samples turn up anyway
                assert accepted or problem not in paired, f"{about} refuses samples that the view pairs"
            if known_while_sampling(changed) and key not in ACROSS_PROBLEMS:
                assert problem in paired or not accepted, f"{about} accepts samples that the view does not pair"


@pytest.mark.parametrize(("rule", "key"), WITH_KEYS, ids=lambda value: getattr(value, "__name__", value))
def test_sampling_looks_at_every_condition_that_it_can_judge(rule, key):
    if rule.__name__ in ("Quality", "Where"):
        return  # free to name any column, and documented to wait until after sampling
    for value in examples_of(rule, key):
        changed = with_key(rule, key, value)
        late = [c for c in changed.chosen.side_conditions() if KNOWN_OF_SAMPLE.issuperset(c.columns)]
        late += [c for c in changed.pair_conditions() if KNOWN_OF_PAIR.issuperset(c.columns)]
        late = [c.reason for c in late if not c.while_sampling]
        assert not late, f"{rule.__name__}: sampling knows what {late} looks at, and must apply it"


LENGTHS = range(1, 140)
NO_LIMIT = {"same_bin"}  # no budget is cut for it, so that runs made before keep their budgets


@pytest.mark.parametrize(
    ("rule", "key"),
    [(r, k) for r, k in WITH_KEYS if issubclass(r, SideRule | PairRule)],
    ids=lambda value: getattr(value, "__name__", value),
)
@pytest.mark.parametrize("direction", ["long", "short", "any"])
def test_a_further_sample_is_given_the_length_that_the_rule_allows(rule, key, direction):
    """Both ends of `longest_useful` by trial: what is longer is never paired, and that length is."""
    for value in examples_of(rule, key):
        changed = with_key(rule, key, value)
        if key != "direction":
            changed = replace(changed, direction=direction)
        given, drawn = replace(ANY, origin="given"), replace(changed.rejected, origin="sampled")
        changed = replace(changed, chosen=given, rejected=drawn)
        partner = Facts("given", "correct", 30, prompt_tokens=5, finish_reason="stop", model="x")
        if key == "status":
            partner = replace_facts(partner, status=changed.rejected.statuses[0])
        target = loosest_target(changed)
        useful = [n for n in LENGTHS if accepts([partner, sampled(partner, n)], target)]
        limit = longest_useful([partner], target, 5)
        about = f"{rule.__name__}: '{key}: {value}', direction {changed.direction}"
        if key in NO_LIMIT:
            assert limit is None or limit >= max(useful, default=0), about
        elif limit is None:
            assert useful and max(useful) == LENGTHS[-1], (
                f"{about}: longest_tokens gives no limit, {max(useful, default=0)} is one"
            )
        else:
            assert min(limit, LENGTHS[-1]) == max(useful, default=0), f"{about}: longest_tokens says {limit}"


def replace_facts(one: Facts, **changes: Any) -> Facts:
    return Facts(**{name: getattr(one, name) for name in Facts.__dataclass_fields__} | changes)


def sampled(partner: Facts, tokens: int) -> Facts:
    return replace_facts(partner, origin="sampled", tokens=tokens)


# --- what is not kept in silence -----------------------------------------------------------------------------------


def test_a_target_of_an_earlier_version_reads_back():
    side = {"origin": "any", "models": [], "finish": [], "min_tokens": None, "max_tokens": None, "quality": []}
    row = {
        "direction": "long",
        "chosen": {**side, "origin": "given", "status": ["correct"], "max_tokens": 7000},
        "rejected": {**side, "origin": "sampled", "status": []},
        "gap": {"min": 200.0, "max": None}, "ratio": {"min": None, "max": None}, "total": {"min": None, "max": 8192.0},
        "same_bin": None, "per_problem": 2,
    }  # fmt: skip
    target = read_target(row)
    assert target.chosen.statuses == ("correct",) and target.rejected.statuses == ()
    assert target == loosest_target(
        Rules(
            chosen=SideRules(origin="given", status=("correct",), max_tokens=7000),
            rejected=SideRules(origin="sampled", status=()),
            gap=Bounds(min=200), total=Bounds(max=8192), per_problem=2,
        )
    )  # fmt: skip
    assert read_target(target.model_dump(mode="json")) == target
    assert isinstance(target, Target)


def test_unknown_settings_and_unknown_columns_are_errors(tables):
    with pytest.raises(ValidationError):
        SideRules(colour="red")
    with pytest.raises(RuleError, match=r"filter\.chosen: 'colour'(.|\n)*finish_reason"):
        select_pairs(*tables, Rules(chosen=SideRules(quality={"colour": Bounds(max=1)})))
