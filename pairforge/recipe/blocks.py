"""A recipe, composed of the settings of the packages that use them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pairforge.chat import FormatConfig
from pairforge.config import Config
from pairforge.errors import RecipeError
from pairforge.filters import rules
from pairforge.generator.config import GeneratorConfig
from pairforge.hub.config import PublishConfig
from pairforge.records import Status
from pairforge.sources.config import DecontaminateConfig, SourceConfig
from pairforge.train.config import TrainConfig
from pairforge.verifier.config import VerifierConfig


class Block(BaseModel):
    """A part of a recipe: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class BoundsBlock(Block):
    """An inclusive range; null leaves that end open."""

    min: float | None = None
    max: float | None = None

    def to_rule(self) -> rules.Bounds:
        return rules.Bounds(self.min, self.max)


class SideBlock(Block):
    """Which samples may stand on one side of a pair. Token bounds are in the student's tokens."""

    origin: Literal["given", "sampled", "any"] = "any"
    status: Status | Literal["any"] | tuple[Status, ...] = "correct"
    models: tuple[str, ...] = ()
    finish: tuple[str, ...] = ()
    min_tokens: int | None = Field(None, ge=0)
    max_tokens: int | None = Field(None, ge=1)
    quality: dict[str, BoundsBlock] = {}

    def to_rule(self) -> rules.SideRule:
        status = (self.status,) if isinstance(self.status, str) else self.status
        return rules.SideRule(
            origin=self.origin,
            models=self.models,
            finish=self.finish,
            status=() if status == ("any",) else tuple(status),
            min_tokens=self.min_tokens,
            max_tokens=self.max_tokens,
            quality=tuple((name, bounds.to_rule()) for name, bounds in self.quality.items()),
        )


class BandBlock(Block):
    """Keep the n smallest, middle or largest pairs by a measure: the paper's gap ablation (section 4.2)."""

    by: str = "gap"
    keep: Literal["smallest", "middle", "largest"] = "smallest"
    n: int | None = Field(None, ge=1)
    quantiles: tuple[float, float] | None = None


class CapBlock(Block):
    """At most `max` pairs per value of a column; null cuts every group to the size of the smallest."""

    by: str
    max: int | None = Field(None, ge=1)
    width: float | None = Field(None, gt=0)


class FilterBlock(Block):
    """The rules of a view. `tokenizer` is the student's: all token counts of the rules are in it.

    `chat_template: training` replaces a template that deletes reasoning by one that keeps it, where one is known.
    """

    tokenizer: str
    revision: str | None = None
    chat_template: Literal["own", "training"] = "own"
    direction: rules.Direction = "long"
    chosen: SideBlock = SideBlock(origin="given")
    rejected: SideBlock = SideBlock(origin="sampled")
    wrong_share: float = Field(0.0, ge=0, le=1)
    gap: BoundsBlock = BoundsBlock()
    ratio: BoundsBlock = BoundsBlock()
    total: BoundsBlock = BoundsBlock()
    same_bin: int | None = Field(None, ge=1)
    pass_rate: BoundsBlock = BoundsBlock()
    gold: tuple[str, ...] = ()
    gold_suspects: Literal["keep", "drop", "only"] = "keep"
    where: str = ""
    pick: rules.Pick = "shortest"
    pick_chosen: rules.PickChosen = "any"
    target_gap: int = Field(0, ge=0)
    per_problem: int = Field(1, ge=1)
    band: BandBlock | None = None
    caps: tuple[CapBlock, ...] = ()
    n_pairs: int | None = Field(None, ge=1)
    control: rules.Control = "none"

    def to_rules(self, seed: int = 0) -> rules.Rules:
        """The plain values that `pairforge.filters` works with."""
        own = {
            name: getattr(self, name) for name in rules.Rules.__dataclass_fields__ if name in type(self).model_fields
        }
        blocks = {name: value.to_rule() for name, value in own.items() if isinstance(value, SideBlock | BoundsBlock)}
        band = rules.Band(**self.band.model_dump()) if self.band else None
        caps = tuple(rules.Cap(**cap.model_dump()) for cap in self.caps)
        return rules.Rules(**{**own, **blocks, "band": band, "caps": caps, "seed": seed})


class Recipe(Config):
    """A whole run: what is read, sampled, verified, paired, published and trained."""

    seed: int = Field(0, description="Seed of everything random: draws, choices, control arms.")
    sources: tuple[SourceConfig, ...] = Field(min_length=1, description="Datasets, read in this order.")
    generator: GeneratorConfig | None = Field(
        None, description="How solutions are sampled. null samples nothing and pairs the sources' own solutions."
    )
    verifier: VerifierConfig = Field(VerifierConfig(), description="How final answers are checked.")
    format: FormatConfig = Field(FormatConfig(), description="What a pair looks like to the student.")
    filter: FilterBlock = Field(description="The rules that make pairs.")
    decontaminate: DecontaminateConfig = Field(DecontaminateConfig(), description="What must not be in the data.")
    publish: PublishConfig = Field(PublishConfig(), description="Where a view is published.")
    train: TrainConfig = Field(TrainConfig(), description="How a model is trained on the pairs.")

    def sampling_block(self) -> GeneratorConfig:
        """The `generator` block. Raises `RecipeError` when the recipe samples nothing."""
        if self.generator is None:
            raise RecipeError("this recipe samples nothing", hint="add a 'generator' block, or just build it")
        return self.generator
