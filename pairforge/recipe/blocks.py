"""The blocks of a recipe, one model each. Unknown keys are refused; every default is written here."""

from __future__ import annotations

from typing import Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from pairforge.chat import Frame
from pairforge.errors import RecipeError
from pairforge.filters import FilterSettings


class Block(BaseModel):
    """A part of a recipe: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class GoldJoin(Block):
    """Ground truth joined from another dataset on the normalised question."""

    dataset: str
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    question: str = "problem"
    answer: str = "solution"


class SourceBlock(Block):
    """One dataset of problems with (long) solutions: a Hub id, a local dataset folder, or a jsonl/parquet file."""

    dataset: str
    adapter: str = "auto"
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    limit: int | None = Field(None, ge=1)
    columns: dict[str, str] = {}
    gold_from: GoldJoin | None = None
    teacher_gold: Literal["keep", "drop"] = "keep"
    only_known: bool = False


class EngineBlock(Block):
    """The engine that samples, in vLLM's own names. `kind`: vllm (in process), server (OpenAI-compatible), ray.

    `vllm` holds any further argument of vLLM's `EngineArgs`. `base_urls` to `api_key_env` are the server's: `api`
    "chat" lets it apply its chat template, "completions" sends the rendered prompt. `address` (of an existing Ray
    cluster) and `replicas` are ray's.
    """

    kind: Literal["vllm", "server", "ray"] = "vllm"
    model: str
    revision: str | None = None
    dtype: str = "auto"
    max_model_len: int | None = Field(None, ge=16)
    max_num_seqs: int | None = Field(None, ge=1)
    tensor_parallel_size: int = Field(1, ge=1)
    gpu_memory_utilization: float | None = Field(None, gt=0, le=1)
    enforce_eager: bool | None = None
    quantization: str | None = None
    trust_remote_code: bool = False
    vllm: dict[str, Any] = {}
    base_urls: tuple[str, ...] = ()
    api: Literal["chat", "completions"] = "chat"
    timeout_s: float = Field(600.0, gt=0)
    retries: int = Field(6, ge=0)
    api_key_env: str = "PAIRFORGE_API_KEY"
    address: str | None = None
    replicas: int = Field(1, ge=1)


class PromptBlock(Block):
    """What a model is asked. `user` holds the placeholder `{question}`."""

    system: str | None = None
    user: str = "{question}"

    @pydantic.field_validator("user")
    @classmethod
    def _has_question(cls, value: str) -> str:
        if "{question}" not in value:
            raise ValueError("the user prompt must contain {question}")
        return value


class SamplingBlock(Block):
    """Sampling parameters, in vLLM's names. Defaults are ThinkPO's (temperature 0.7, top_p 0.9, 1024 tokens)."""

    temperature: float = Field(0.7, ge=0)
    top_p: float = Field(0.9, gt=0, le=1)
    top_k: int = Field(-1, ge=-1)
    min_p: float = Field(0.0, ge=0, le=1)
    max_tokens: int = Field(1024, ge=1)
    stop: tuple[str, ...] = ()


class DrawsBlock(Block):
    """How often a problem is drawn: at least `min` times, then on to `max` until a sample is acceptable.

    `enough` ends sampling when that many problems are accepted, and goes through all problems before it draws again.
    """

    min: int = Field(1, ge=1)
    max: int = Field(1, ge=1)
    until: Literal["accepted", "max"] = "accepted"
    enough: int | None = Field(None, ge=1)

    @pydantic.model_validator(mode="after")
    def _ordered(self) -> DrawsBlock:
        if self.min > self.max:
            raise ValueError(f"draws.min ({self.min}) is larger than draws.max ({self.max})")
        if self.enough is not None and self.until != "accepted":
            raise ValueError("draws.enough counts accepted problems, so it needs draws.until: accepted")
        return self


class GeneratorBlock(Block):
    """How short solutions are sampled."""

    engine: EngineBlock
    prompt: PromptBlock = PromptBlock()
    sampling: SamplingBlock = SamplingBlock()
    draws: DrawsBlock = DrawsBlock()
    budget: Literal["rule", "full"] = "rule"


class VerifierBlock(Block):
    """How final answers are checked."""

    timeout_s: float = Field(2.0, gt=0)
    workers: int | Literal["auto"] = "auto"
    policy: str = "default"


class FormatBlock(PromptBlock):
    """What a pair looks like to the student. `rejected_frame: as_sampled` keeps the raw text, as the authors did."""

    frame: Frame = "think"
    rejected_frame: Frame | Literal["same", "as_sampled"] = "same"


class TrainBlock(BaseModel):
    """Arguments of the training command: `model`, and TRL's own names for everything else."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())
    model: str | None = None
    revision: str | None = None


class PublishBlock(Block):
    """Where a view is published. Private unless asked otherwise. `license` is what you state; without it the sources
    decide, and what is not known is called unknown."""

    repo: str | None = None
    private: bool = True
    license: str | None = None


class DecontaminateBlock(Block):
    """Evaluation sets whose problems must not be trained on, and near duplicates among the problems themselves.

    `ngram` words in common are too many (null compares whole questions); `without_digits` also refuses the same
    exercise with other numbers. `near_duplicates` is the similarity from which two problems count as one.
    """

    sets: tuple[str, ...] = ()
    ngram: int | None = Field(8, ge=1)
    without_digits: bool = True
    near_duplicates: float | None = Field(0.8, gt=0, le=1)


class Recipe(Block):
    """A whole run: `generator: null` pairs given solutions only."""

    seed: int = 0
    sources: tuple[SourceBlock, ...] = Field(min_length=1)
    generator: GeneratorBlock | None = None
    verifier: VerifierBlock = VerifierBlock()
    format: FormatBlock = FormatBlock()
    filter: FilterSettings
    decontaminate: DecontaminateBlock = DecontaminateBlock()
    publish: PublishBlock = PublishBlock()
    train: TrainBlock = TrainBlock()

    def sampling_block(self) -> GeneratorBlock:
        """The `generator` block. Raises `RecipeError` when the recipe samples nothing."""
        if self.generator is None:
            raise RecipeError("this recipe samples nothing", hint="add a 'generator' block, or just build it")
        return self.generator
