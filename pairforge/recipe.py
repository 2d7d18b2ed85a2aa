"""Recipes: one YAML file is one run, one block is one stage.

Unknown keys are refused, with the nearest key that exists. Nothing below this layer sees a recipe: the pipeline
takes it apart and hands plain values on.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field

from pairforge.chat import Frame
from pairforge.errors import RecipeError
from pairforge.filters import rules
from pairforge.records import Status
from pairforge.sources import spec
from pairforge.sources.spec import SourceSpec


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

    def to_spec(self) -> SourceSpec:
        """The plain values that `pairforge.sources` works with."""
        join = spec.GoldJoin(**self.gold_from.model_dump()) if self.gold_from else None
        return SourceSpec(**{**self.model_dump(), "gold_from": join})


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
    """How often a problem is drawn: at least `min` times, then on to `max` until a sample is acceptable."""

    min: int = Field(1, ge=1)
    max: int = Field(1, ge=1)
    until: Literal["accepted", "max"] = "accepted"

    @pydantic.model_validator(mode="after")
    def _ordered(self) -> DrawsBlock:
        if self.min > self.max:
            raise ValueError(f"draws.min ({self.min}) is larger than draws.max ({self.max})")
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
    """The rules of a view. `tokenizer` is the student's: all token counts of the rules are in it."""

    tokenizer: str
    revision: str | None = None
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


class Recipe(Block):
    """A whole run: `generator: null` pairs given solutions only."""

    seed: int = 0
    sources: tuple[SourceBlock, ...] = Field(min_length=1)
    generator: GeneratorBlock | None = None
    verifier: VerifierBlock = VerifierBlock()
    format: FormatBlock = FormatBlock()
    filter: FilterBlock
    decontaminate: DecontaminateBlock = DecontaminateBlock()
    publish: PublishBlock = PublishBlock()
    train: TrainBlock = TrainBlock()


def load_recipe(file: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe, apply `KEY=VALUE` overrides, resolve local paths, and check every key.

    Paths in the file are relative to the file, paths in overrides to the working directory.
    Raises `RecipeError` naming the file, the key path, what was found and the nearest key that exists.
    """
    file = Path(file)
    try:
        text = file.read_text()
    except OSError as error:
        raise RecipeError(f"cannot read recipe {file}: {error.strerror}", hint="give the path of a YAML file") from None
    return parse_recipe(text, overrides, name=str(file), base_dir=file.parent)


def parse_recipe(text: str, overrides: Iterable[str] = (), *, name: str = "recipe", base_dir: Path = Path()) -> Recipe:
    """`load_recipe` for text. `name` stands for the file in errors."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or "unreadable"
        raise RecipeError(f"{name}{line}: not valid YAML: {problem}") from None
    if not isinstance(raw, dict):
        raise RecipeError(f"{name}: a recipe is a mapping of blocks, found {type(raw).__name__}")
    _resolve_paths(raw, base_dir)
    for override in overrides:
        _apply(raw, override)
    _resolve_paths(raw, Path())
    try:
        return Recipe.model_validate(raw)
    except pydantic.ValidationError as error:
        raise _explain(error, raw, name) from None


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML; `parse_recipe` reads it back to the same recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def train_arguments(block: TrainBlock | None, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """A train block as plain arguments, with `train.KEY=VALUE` overrides; None stands for an empty block.

    Raises `RecipeError` for an override of another block: those belong to `pairforge filter` and `build`.
    """
    raw: dict[str, Any] = {"train": block.model_dump(exclude_unset=True) if block else {}}
    for override in overrides:
        if not override.strip().startswith("train."):
            raise RecipeError(f"override '{override}' is not of the train block", hint="write --set train.max_steps=5")
        _apply(raw, override)
    _resolve_paths(raw, Path())
    return dict(raw["train"])


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}, "c": [2]}` as `{"a.b": 1, "c.0": 2}`: the key paths that errors and overrides use."""
    if isinstance(value, Mapping) and value:
        pairs = [(str(k), v) for k, v in value.items()]
    elif isinstance(value, list | tuple) and value:
        pairs = [(str(i), v) for i, v in enumerate(value)]
    else:
        return {prefix: value}
    out: dict[str, Any] = {}
    for key, inner in pairs:
        out |= flatten(inner, f"{prefix}.{key}" if prefix else key)
    return out


def _apply(raw: dict[str, Any], override: str) -> None:
    """Set one `a.b.0.c=VALUE` in the raw mapping. The value is YAML; `none` means null (it lifts a bound)."""
    key, equals, value_text = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"override '{override}' has no '='", hint="write --set filter.gap.min=500")
    try:
        value = None if value_text.strip().lower() == "none" else yaml.safe_load(value_text)
    except yaml.YAMLError:
        value = value_text
    target: Any = raw
    *parents, last = key.strip().split(".")
    for part in parents:
        if isinstance(target, list):
            target = target[_index(target, part, override)]
        else:
            if target.get(part) is None:
                target[part] = {}
            target = target[part]
        if not isinstance(target, dict | list):
            raise RecipeError(f"override '{override}': '{part}' holds a value, not a block")
    if isinstance(target, list):
        target[_index(target, last, override)] = value
    else:
        target[last] = value


def _index(items: list[Any], part: str, override: str) -> int:
    if not part.isdecimal() or int(part) >= len(items):
        raise RecipeError(
            f"override '{override}': '{part}' is not one of the {len(items)} entries (0..{len(items) - 1})"
        )
    return int(part)


def _resolve_paths(raw: dict[str, Any], base_dir: Path) -> None:
    """Make local paths absolute, in place. A name that is no existing path is left alone: it is a Hub id."""
    for key, holder in _path_holders(raw):
        value = holder[key]
        if isinstance(value, str) and value and not value.startswith("pairforge:"):
            path = Path(value).expanduser()
            if not path.is_absolute() and (base_dir / path).exists():
                holder[key] = str((base_dir / path).resolve())


def _path_holders(raw: dict[str, Any]) -> Iterable[tuple[Any, Any]]:
    """The places, as (key, mapping) or (index, list), that may hold a local path."""
    sources = raw.get("sources")
    for source in sources if isinstance(sources, list) else []:
        if isinstance(source, dict):
            yield from _held("dataset", source)
            yield from _held("dataset", source.get("gold_from"))
    for block, key in (("generator.engine", "model"), ("filter", "tokenizer"), ("train", "model")):
        holder: Any = raw
        for part in block.split("."):
            holder = holder.get(part) if isinstance(holder, dict) else None
        yield from _held(key, holder)
    decontaminate = raw.get("decontaminate")
    sets = decontaminate.get("sets") if isinstance(decontaminate, dict) else None
    yield from ((index, sets) for index in range(len(sets if isinstance(sets, list) else [])))


def _held(key: str, holder: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(holder, dict) and key in holder:
        yield key, holder


def _explain(error: pydantic.ValidationError, raw: dict[str, Any], name: str) -> RecipeError:
    """One line per mistake: file, key path, what was found, and the nearest valid key."""
    lines, hint = [], ""
    for item in error.errors():
        location = _place(item["loc"], raw, missing=item["type"] == "missing")
        path = ".".join(str(p) for p in location) or "(top level)"
        if item["type"] == "extra_forbidden":
            known = _known_keys(location[:-1])
            near = difflib.get_close_matches(str(location[-1]), known, n=1)
            lines.append(f"{name}: {path}: unknown key")
            hint = f"did you mean '{near[0]}'?" if near else f"keys here: {', '.join(known)}"
        elif item["type"] == "missing":
            lines.append(f"{name}: {path}: missing")
            hint = hint or f"add '{location[-1]}'"
        else:
            lines.append(f"{name}: {path}: {item['msg'].removeprefix('Value error, ')} (found {item['input']!r:.80})")
    return RecipeError("\n".join(lines), hint=hint)


def _place(location: tuple[str | int, ...], raw: Any, *, missing: bool) -> list[str | int]:
    """The part of pydantic's location that the file really has: unions add the names of types to it."""
    place: list[str | int] = []
    for part in location:
        if (isinstance(raw, dict) and part in raw) or (isinstance(raw, list) and isinstance(part, int)):
            raw = raw[part]  # type: ignore[index]
            place.append(part)
        elif missing and part == location[-1]:
            place.append(part)
    return place


def _known_keys(location: list[str | int]) -> list[str]:
    """The keys a block may have, following the models from the top."""
    model: Any = Recipe
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if _is_model(model) else None
        if field is None:
            return []
        model = next((t for t in _leaf_types(field.annotation) if _is_model(t)), None)
    return list(model.model_fields) if _is_model(model) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _leaf_types(annotation: Any) -> list[Any]:
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return [leaf for arg in typing.get_args(annotation) for leaf in _leaf_types(arg)]
    return [annotation]
