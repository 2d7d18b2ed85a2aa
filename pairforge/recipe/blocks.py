"""A recipe, composed of the settings of the packages that use them."""

from __future__ import annotations

from typing import Any, Self

import pydantic
from pydantic import Field, PrivateAttr

from pairforge.chat import FormatConfig
from pairforge.config import Config
from pairforge.derive.config import DeriveConfig
from pairforge.errors import RecipeError
from pairforge.export.config import ExportConfig
from pairforge.filters import FilterSettings
from pairforge.generator.config import GIVEN, SAMPLED, GeneratorConfig, check_arm_name
from pairforge.hub.config import PublishConfig
from pairforge.sources.config import DecontaminateConfig, SourceConfig
from pairforge.sources.shard import parse_shard
from pairforge.train.config import TrainConfig
from pairforge.verifier.config import MajorityConfig, VerifierConfig


class Recipe(Config):
    """A whole run: what is read, sampled, verified, paired, published and trained."""

    seed: int = Field(0, description="Seed of everything random: draws, choices, control arms.")
    shard: str | None = Field(
        None,
        description="Keep one of several disjoint shares of the problems: `3/16` is the third of sixteen. "
        "`pairforge sample --shard` sets it, and `pairforge merge` joins the shares.",
    )
    sources: tuple[SourceConfig, ...] = Field(min_length=1, description="Datasets, read in this order.")
    generator: GeneratorConfig | None = Field(
        None, description="Who samples solutions, and how. null samples nothing and pairs the sources' own solutions."
    )
    generators: dict[str, GeneratorConfig] = Field(
        {},
        description="Several arms: a mapping of names to blocks with the keys of `generator`, drawn in this order. "
        "Rules select their solutions by name (`filter.chosen.origin: long`). Not together with `generator`.",
    )
    majority: MajorityConfig | None = Field(
        None,
        description="Keep problems without ground truth and give them the answer that most solutions agree on. null "
        "drops them.",
    )
    verifier: VerifierConfig = Field(VerifierConfig(), description="How final answers are checked.")
    derive: dict[str, DeriveConfig] = Field(
        {},
        description="New solutions made from existing ones without sampling, by the name that becomes their origin: "
        "`{short: {of: given, first_correct: true}}`. Rules name it (`filter.chosen.origin: short`).",
    )
    format: FormatConfig = Field(FormatConfig(), description="What a pair looks like to the student.")
    filter: FilterSettings = Field(description="The rules that make pairs.")
    decontaminate: DecontaminateConfig = Field(DecontaminateConfig(), description="What must not be in the data.")
    publish: PublishConfig = Field(PublishConfig(), description="Where a view is published.")
    export: ExportConfig = Field(ExportConfig(), description="What exports take from a view besides its pairs.")
    train: TrainConfig = Field(TrainConfig(), description="How a model is trained on the pairs.")
    sample_for: tuple[dict[str, Any], ...] = Field(
        (),
        description="What sampling serves instead of `filter`: for each stage of sampling, the keys under `seed`, "
        "`format`, `filter` and `generator` that differ from this recipe, as `{filter.gap.min: 20}`. "
        "`pairforge push` writes it where a view has other rules than the run was sampled for, so that a build draws "
        "the same samples again; leave it out of recipes of your own.",
    )

    _own_file: bool = PrivateAttr(False)

    @pydantic.model_validator(mode="after")
    def _majority_of_an_arm(self) -> Recipe:
        if self.majority and self.majority.arm not in (GIVEN, *self.arms):
            known = ", ".join([*self.arms, GIVEN])
            raise ValueError(f"majority.arm: there is no arm '{self.majority.arm}'; arms: {known}")
        return self

    @pydantic.field_validator("shard")
    @classmethod
    def _is_a_shard(cls, shard: str | None) -> str | None:
        return shard if shard is None else str(parse_shard(shard))

    @pydantic.field_validator("generators")
    @classmethod
    def _named_and_alone(
        cls, arms: dict[str, GeneratorConfig], info: pydantic.ValidationInfo
    ) -> dict[str, GeneratorConfig]:
        for name in arms:
            check_arm_name(name)
        if arms and info.data.get("generator") is not None:
            raise ValueError("write `generator` or `generators`, not both: `generator` is one arm named `sampled`")
        return arms

    @pydantic.model_validator(mode="after")
    def _derived_from_others(self) -> Recipe:
        for name, how in self.derive.items():
            check_arm_name(name)
            if name in (SAMPLED, *self.arms):
                raise ValueError(f"derive: '{name}' is the name of an arm")
            if how.of not in (GIVEN, *self.arms):
                known = ", ".join((GIVEN, *self.arms))
                raise ValueError(f"derive.{name}.of: neither the source nor an arm is '{how.of}' (there are: {known})")
        return self

    @property
    def arms(self) -> dict[str, GeneratorConfig]:
        """What samples solutions, by the origin of its solutions, in the order of drawing."""
        return {SAMPLED: self.generator} if self.generator is not None else self.generators

    def key_of(self, arm: str) -> str:
        """Where the block of an arm stands in the recipe."""
        return "generator" if self.generator is not None else f"generators.{arm}"

    def enough(self, arm: str) -> int | None:
        """How many accepted problems end the sampling of an arm: in a shard its share of them. None draws them all."""
        number = self.arms[arm].draws.enough
        return parse_shard(self.shard).share(number) if self.shard and number is not None else number

    @property
    def is_own_file(self) -> bool:
        """Was it read from a recipe file that the user named, not from a run? Only then its functions may run."""
        return self._own_file

    def from_own_file(self) -> Recipe:
        """The recipe, marked as read from a file that the user named."""
        self._own_file = True
        return self

    @pydantic.model_validator(mode="after")
    def _every_function_is_named(self) -> Self:
        for number, source in enumerate(self.sources):
            own = source.verifier
            if own is not None and own.kind == "python" and not (own.python or self.verifier.python):
                raise ValueError(f"sources.{number}.verifier: kind python needs a function: python: MODULE:FUNCTION")
        return self

    def sampling_block(self) -> GeneratorConfig:
        """The `generator` block. Raises `RecipeError` when the recipe has none."""
        if self.generator is None:
            raise RecipeError("this recipe samples nothing", hint="add a 'generator' block, or just build it")
        return self.generator
