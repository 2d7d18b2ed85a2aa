"""The settings of sampling: the engine (one model per kind), the prompt, the sampling parameters and the draws."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Discriminator, Field, Tag

from pairforge.chat import PromptConfig, Shot, placeholders
from pairforge.config import Config

KIND = (
    "`vllm` (the default) runs vLLM in this process, `server` asks one or several OpenAI-compatible servers, "
    "`ray` runs vLLM on an existing Ray cluster."
)


class SamplerConfig(Config):
    """What every kind of engine takes: the model, and how long prompt and solution may be."""

    kind: Literal["vllm", "server", "ray"] = Field(description=KIND)
    model: str = Field(
        description="The model that writes the solutions: a Hub id, a local folder, `pairforge:nano`, or the name a "
        "server knows it by. A folder is relative to the recipe."
    )
    name: str | None = Field(
        None,
        min_length=1,
        description="Public name of a model that is a local folder: samples, cards and rules know it by this name.",
    )
    revision: str | None = Field(None, description="Branch, tag or commit of the model (and its tokenizer) on the Hub.")
    max_model_len: int | None = Field(
        None, ge=16, description="Tokens that prompt and solution may have together. null asks the model's config.json."
    )
    max_num_seqs: int | None = Field(
        None,
        ge=1,
        description="Requests in flight: what vLLM decodes at once (null: vLLM's default, 256 on a CPU), or the "
        "window over all servers (null: 64 per server).",
    )
    quantization: str | None = Field(
        None,
        description="Quantization of the weights, in vLLM's names (`awq`, `gptq`, `fp8`, ...). It belongs to the "
        "identity of the samples; for a server it says what the server runs.",
    )
    trust_remote_code: bool = Field(False, description="Run code that the model's repository brings along.")

    @property
    def public_name(self) -> str:
        """What the solutions are known by."""
        return self.name or self.model

    @pydantic.model_validator(mode="before")
    @classmethod
    def _without_idle_keys(cls, raw: Any) -> Any:
        """Keys of the other kinds may stand at their defaults: dumps of earlier versions hold all of them."""
        if not isinstance(raw, Mapping):
            return raw
        return {name: value for name, value in raw.items() if name in cls.model_fields or not is_idle(name, value)}


class VllmOptions(SamplerConfig):
    """What reaches vLLM's `EngineArgs`, for the kinds that start vLLM themselves."""

    dtype: str = Field("auto", description="Precision of the weights: `auto`, `bfloat16`, `float16`, `float32`.")
    tensor_parallel_size: int = Field(1, ge=1, description="GPUs that share one copy of the model.")
    gpu_memory_utilization: float | None = Field(
        None, gt=0, le=1, description="Share of each GPU's memory that vLLM takes. null: vLLM's default."
    )
    enforce_eager: bool | None = Field(
        None, description="Run without CUDA graphs: starts sooner, decodes slower. null: vLLM's default, true on a CPU."
    )
    vllm: dict[str, Any] = Field(
        {},
        description="Any other argument of vLLM's `EngineArgs`: `{kv_cache_dtype: fp8, enable_prefix_caching: true}`. "
        "A name that vLLM does not have is refused before the engine starts.",
    )

    @pydantic.model_validator(mode="after")
    def _one_place_per_option(self) -> VllmOptions:
        for name in self.vllm:
            if name in ("model", "revision"):
                raise ValueError(f"write `{name}` beside `vllm`, not in it")
            if name in type(self).model_fields and self._is_set(name) and getattr(self, name) != self.vllm[name]:
                raise ValueError(f"`{name}` has two values, one beside `vllm` and one in it: leave one out")
        return self

    def _is_set(self, name: str) -> bool:
        return bool(getattr(self, name) != type(self).model_fields[name].default)

    def engine_args(self) -> dict[str, Any]:
        """The arguments of vLLM's `EngineArgs` but for model and revision; what is left to vLLM is not in it."""
        own = {name: getattr(self, name) for name in VllmOptions.model_fields if name not in ELSEWHERE}
        return {name: value for name, value in own.items() if value is not None} | self.vllm


ELSEWHERE = (
    "kind",
    "model",
    "name",
    "revision",
    "vllm",
)  # every other field of VllmOptions is an argument of EngineArgs


class VllmEngineConfig(VllmOptions):
    """vLLM in this process."""

    kind: Literal["vllm"] = Field("vllm", description=KIND)


class ServerEngineConfig(SamplerConfig):
    """Any OpenAI-compatible server, or several of them."""

    kind: Literal["server"] = Field(description=KIND)
    base_urls: tuple[str, ...] = Field(
        (),
        description="Addresses: `[http://127.0.0.1:8000/v1]`. The least busy server gets the next request.",
    )
    api: Literal["chat", "completions"] = Field(
        "chat", description="`chat` lets the server apply its chat template, `completions` sends the rendered prompt."
    )
    timeout_s: float = Field(600.0, gt=0, description="Seconds that one request may take.")
    retries: int = Field(6, ge=0, description="How often a request is retried after a 429, a 5xx or a timeout.")
    api_key_env: str = Field(
        "PAIRFORGE_API_KEY", description="The environment variable that holds the key; the key itself is never stored."
    )


class RayEngineConfig(VllmOptions):
    """vLLM on the nodes of an existing Ray cluster."""

    kind: Literal["ray"] = Field(description=KIND)
    address: str | None = Field(None, description="The cluster's address. null: `RAY_ADDRESS`, or a local cluster.")
    replicas: int = Field(1, ge=1, description="Copies of the model; each takes `tensor_parallel_size` GPUs.")


KINDS: dict[str, type[SamplerConfig]] = {
    "vllm": VllmEngineConfig,
    "server": ServerEngineConfig,
    "ray": RayEngineConfig,
}


def kind_of(raw: Any) -> str:
    """The kind of an engine block; without one it is vLLM in this process."""
    kind = raw.get("kind", "vllm") if isinstance(raw, Mapping) else getattr(raw, "kind", "vllm")
    return f"kind={kind}"  # no key looks like this, so that an error's path tells the kind from the keys


def without_idle_keys(raw: Mapping[str, Any]) -> dict[str, Any]:
    """An engine block without the keys that only other kinds take, whatever they hold."""
    own = KINDS.get(str(raw.get("kind", "vllm")))
    takers = {name for kind in KINDS.values() for name in kind.model_fields}
    return {name: value for name, value in raw.items() if own is None or name in own.model_fields or name not in takers}


EngineConfig = Annotated[
    Annotated[VllmEngineConfig, Tag("kind=vllm")]
    | Annotated[ServerEngineConfig, Tag("kind=server")]
    | Annotated[RayEngineConfig, Tag("kind=ray")],
    Discriminator(
        kind_of,
        custom_error_type="engine_kind",
        custom_error_message=f"there is no such kind of engine; kinds: {', '.join(KINDS)}",
    ),
]


def is_idle(name: str, value: Any) -> bool:
    """Whether a key holds the default of every kind that takes it (False where none does)."""
    fields = [kind.model_fields[name] for kind in KINDS.values() if name in kind.model_fields and name != "kind"]
    plain = tuple(value) if isinstance(value, list) else value
    return bool(fields) and all(field.default == plain for field in fields)


class Example(Config):
    """A worked example of a prompt: a turn of the user and one of the assistant, before the problem."""

    question: str = Field(description="The example's question, put into `user` like the problem's.", examples=["1+1?"])
    answer: str = Field(description="What the assistant answers.", examples=["It is \\boxed{2}."])
    meta: dict[str, Any] = Field({}, description="Columns that the placeholders of `user` name: `{topic: algebra}`.")

    @property
    def shot(self) -> Shot:
        return Shot(self.question, self.answer, prompt_columns(self.meta))


def or_a_file(schema: dict[str, Any]) -> None:
    """Let an editor accept a file's name for a list; `recipe/` reads the file."""
    listed = {name: schema.pop(name) for name in ("items", "type") if name in schema}
    schema["anyOf"] = [listed, {"type": "string"}]


class SamplerPromptConfig(PromptConfig):
    """What a sampler is asked. `system` and `user` may also name the source's columns: `{meta.topic}`."""

    fillable = ("question", "meta.")

    examples: tuple[Example, ...] = Field(
        (),
        description="Worked examples before the problem, each with `question` and `answer`; or the name of a .jsonl or "
        ".yaml file of them, relative to the recipe.",
        json_schema_extra=or_a_file,
    )
    prefix: str = Field(
        "",
        description="How every solution begins: the model continues from there, and the text is part of the solution. "
        "Not on chat servers.",
    )

    @pydantic.model_validator(mode="after")
    def _examples_can_be_filled(self) -> SamplerPromptConfig:
        for number, example in enumerate(self.examples):
            known = {*example.shot.columns, "question"}
            missing = [name for name in placeholders(self.user) if name not in known]
            if missing:
                raise ValueError(f"examples.{number} has no {missing[0]}, which `user` names: add it under `meta`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The source's columns that the prompt names, as in `meta.topic`."""
        names = [*placeholders(self.system or ""), *placeholders(self.user)]
        return tuple(name for name in dict.fromkeys(names) if name.startswith("meta."))


def prompt_columns(meta: Mapping[str, Any]) -> dict[str, str]:
    """What the placeholders of a prompt stand for besides the question: a problem's `meta`, as text."""
    known = {name: value for name, value in meta.items() if value is not None}
    return {
        f"meta.{name}": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in known.items()
    }


class SamplingConfig(Config):
    """Sampling parameters in vLLM's names. The defaults of temperature, top_p and max_tokens are ThinkPO's.

    null leaves a parameter to the engine: it is off in this process and on Ray, and a vLLM server takes the model's
    `generation_config`.
    """

    temperature: float = Field(0.7, ge=0, description="Temperature; 0 is greedy. 0.7 is ThinkPO's.")
    top_p: float = Field(0.9, gt=0, le=1, description="Nucleus: probability mass to draw from. 0.9 is ThinkPO's.")
    top_k: int = Field(-1, ge=-1, description="Draw from this many most probable tokens; -1 draws from all.")
    min_p: float = Field(0.0, ge=0, le=1, description="Least probability of a token, as a share of the highest one.")
    max_tokens: int = Field(
        1024,
        ge=1,
        description="Most tokens of one solution, in the sampler's tokens; `budget` may lower it. 1024 is ThinkPO's.",
    )
    stop: tuple[str, ...] = Field(
        (), description="Texts that end a solution. A model without a chat template also stops at the next question."
    )
    repetition_penalty: float | None = Field(
        None, gt=0, description="Divides the logits of tokens that prompt or solution already have; 1 is off."
    )
    presence_penalty: float | None = Field(
        None, ge=-2, le=2, description="Subtracted from the logits of tokens that the solution already has; 0 is off."
    )
    frequency_penalty: float | None = Field(
        None, ge=-2, le=2, description="The same for each time that the solution has the token; 0 is off."
    )
    logit_bias: dict[int, float] = Field({}, description="Added to the logits of tokens, by token id: `{1234: -100}`.")
    bad_words: tuple[str, ...] = Field((), description="Texts that a solution must not contain.")
    stop_token_ids: tuple[int, ...] = Field((), description="Token ids that end a solution, besides the end of turn.")
    include_stop_str_in_output: bool | None = Field(
        None, description="Keep the text of `stop` at the end of a solution. null: false."
    )
    skip_special_tokens: bool | None = Field(
        None,
        description="Leave special tokens out of the text. null: true; set it to false for a model whose marks of "
        "reasoning are special tokens.",
    )

    def for_all_requests(self) -> dict[str, Any]:
        """What all requests share, in vLLM's names, without what is left to the engine."""
        each = self.model_dump(exclude={"max_tokens", "stop"})  # these two belong to each request
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in each.items()}
        return {name: value for name, value in values.items() if value not in (None, [], {})}


class DrawsConfig(Config):
    """How often a problem is drawn."""

    min: int = Field(1, ge=1, description="Solutions of every problem that this arm is drawn for, accepted or not.")
    max: int = Field(1, ge=1, description="Most solutions of one problem. 1 is ThinkPO's.")
    until: Literal["accepted", "max"] = Field(
        "accepted",
        description="`accepted` stops at the first solution that can be paired, or that waits for a partner from "
        "another arm, and skips problems that other arms have paired. `max` never stops early.",
    )
    enough: int | None = Field(
        None,
        ge=1,
        description="End sampling when this many problems are accepted, by this arm or others; all problems are drawn "
        "once before any is drawn again. null draws every problem.",
    )

    continue_truncated: int = Field(
        0,
        ge=0,
        description="How often a solution that max_tokens has cut is continued, each time for max_tokens more. 0 "
        "leaves it cut. Not on chat servers.",
    )

    @pydantic.model_validator(mode="after")
    def _ordered(self) -> DrawsConfig:
        if self.min > self.max:
            raise ValueError(f"draws.min ({self.min}) is larger than draws.max ({self.max})")
        if self.enough is not None and self.until != "accepted":
            raise ValueError("draws.enough counts accepted problems, so it needs draws.until: accepted")
        return self


class GeneratorConfig(Config):
    """An arm: who samples solutions, and how. `generator` is the short form of one arm with the name `sampled`."""

    engine: EngineConfig = Field(description="What samples: `kind` is `vllm` (the default), `server` or `ray`.")
    prompt: SamplerPromptConfig = Field(SamplerPromptConfig(), description="What the sampler is asked.")
    sampling: SamplingConfig = Field(SamplingConfig(), description="Sampling parameters.")
    draws: DrawsConfig = Field(DrawsConfig(), description="How often a problem is drawn.")
    budget: Literal["rule", "full"] = Field(
        "rule",
        description="`rule` lowers a problem's max_tokens to the longest solution that could still be paired, `full` "
        "gives every draw max_tokens.",
    )

    @pydantic.model_validator(mode="after")
    def _can_be_continued(self) -> GeneratorConfig:
        begins = {"prompt.prefix": self.prompt.prefix, "draws.continue_truncated": self.draws.continue_truncated}
        for key, value in begins.items():
            if value and isinstance(self.engine, ServerEngineConfig) and self.engine.api == "chat":
                raise ValueError(
                    f"{key}: a chat server begins every answer itself; `engine.api: completions` sends the rendered "
                    "prompt instead"
                )
        return self


GIVEN, SAMPLED = "given", "sampled"
"""The origins of solutions that the source brings, and of those that a single `generator` samples."""

ARM_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def check_arm_name(name: str) -> None:
    """Raise `ValueError` for a name that no arm can have: it becomes part of sample keys, and rules select by it."""
    if name in (GIVEN, "any"):
        raise ValueError(f"'{name}' cannot name an arm: `origin: {name}` has its own meaning")
    if not ARM_NAME.fullmatch(name):
        raise ValueError(f"'{name:.80}' cannot name an arm: write lower-case letters, digits, '-' and '_'")
