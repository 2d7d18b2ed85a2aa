"""Which stages of sampling are still to do, and the record of those that were begun.

Most runs have one: they are sampled for the rules of their recipe. `--extend` adds a stage, and a published recipe
(`sample_for`) repeats the stages of the run that it was published from.
"""

from __future__ import annotations

from typing import Any

from pairforge.chat import FormatConfig
from pairforge.config import flatten
from pairforge.filters import FilterSettings
from pairforge.filters.ruleset import Student
from pairforge.filters.target import loosest_target
from pairforge.generator.config import SAMPLED
from pairforge.pipeline.recipe_changes import Changes, arm_of
from pairforge.recipe import Recipe, stage_recipe
from pairforge.run import Run, sampling_stages
from pairforge.run.manifest import SamplingStage


def stage_of(recipe: Recipe) -> SamplingStage:
    """What decides which samples are drawn, besides the sources and the engine."""
    raw = recipe.model_dump(mode="json")
    generators = {name: without_engine(block) for name, block in raw["generators"].items()}
    return SamplingStage(
        seed=raw["seed"],
        format=raw["format"],
        filter=raw["filter"],
        generator=without_engine(raw["generator"] or {}),
        generators=generators,
    )


def without_engine(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "engine"}


def planned_stages(recipe: Recipe) -> list[Recipe]:
    """The stages that a published recipe asks for, as recipes; empty for others."""
    return [stage_recipe(recipe, settings) for settings in recipe.sample_for]


def stages_to_sample(recipe: Recipe, run: Run, *, extend: bool = False) -> list[Recipe]:
    """The recipe of each stage that is to be begun or finished, in order.

    A run is sampled for the rules of its latest stage, whatever the recipe's present rules are; `extend` adds a stage
    for those.
    """
    begun, planned = sampling_stages(run), planned_stages(recipe)
    present = recipe.model_copy(update={"sample_for": ()})
    if planned and len(begun) <= len(planned):
        return [*planned[max(len(begun) - 1, 0) :], *([present] if extend else [])]
    if not begun or extend:
        return [present]
    latest = {"seed": begun[-1].seed, "format": begun[-1].format, "filter": begun[-1].filter}
    return [stage_recipe(present, latest)]


def begin_stage(recipe: Recipe, run: Run) -> None:
    """Freeze the target of a stage that is not the run's latest one: the loosest reading of its rules."""
    stages, stage = sampling_stages(run), stage_of(recipe)
    if not stages or differences(stages[-1], stage):
        target = loosest_target(recipe.filter).model_dump(mode="json")
        run.update_manifest(target=target, sampled_for=[one.model_dump(mode="json") for one in (*stages, stage)])


def end_stage(run: Run) -> None:
    """Record that everything the latest stage asked for was drawn."""
    stages = run.manifest().sampled_for
    if stages and not stages[-1].finished:
        stages = [*stages[:-1], stages[-1].model_copy(update={"finished": True})]
        run.update_manifest(sampled_for=[one.model_dump(mode="json") for one in stages])


def differences(there: SamplingStage, here: SamplingStage) -> Changes:
    """The settings in which two stages differ for sampling, by key path: no choice among pairs, for instance.

    A key that an earlier version did not write is no difference.
    """
    old, new = ({"seed": stage.seed} | rules_of(stage) for stage in (there, here))
    generator = arm_settings(there)
    own = arm_settings(here)
    old |= generator
    new |= {key: own.get(key) for key in generator}
    new |= {key: value for key, value in own.items() if arm_of(key) not in map(arm_of, generator)}
    return {key: (old.get(key), new.get(key)) for key in {*old, *new} if old.get(key) != new.get(key)}


def arm_settings(stage: SamplingStage) -> dict[str, Any]:
    """What each arm is asked and how often, by key path; one with the name `sampled` stands under `generator`."""
    named = dict(stage.generators)
    short = stage.generator or named.pop(SAMPLED, {})
    return (flatten(short, "generator") if short else {}) | (flatten(named, "generators") if named else {})


def rules_of(stage: SamplingStage) -> dict[str, Any]:
    """The format, the student and the target of a stage, by key path."""
    rules = FilterSettings.model_validate(stage.filter)
    student = {name: getattr(rules, name) for name in Student.model_fields}
    target = loosest_target(rules).model_dump(mode="json")
    form = FormatConfig.model_validate(stage.format, context={"stored": True}).model_dump(mode="json")
    return flatten({"format": form, "filter": student | target})


def changed_stages(recipe: Recipe, run: Run) -> Changes:
    """Where the stages of a published recipe differ from those that a run was sampled in."""
    found: Changes = {}
    for number, (there, planned) in enumerate(zip(sampling_stages(run), planned_stages(recipe), strict=False)):
        changed = differences(there, stage_of(planned))
        found |= {f"sample_for.{number}.{key}": changed[key] for key in sorted(changed)}
    return found
