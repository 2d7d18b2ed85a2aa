"""What a training run is asked to do: ThinkPO's defaults, our few own keys, and TRL's argument names for the rest."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pydantic

from pairforge import paper
from pairforge.errors import TrainError, nearest
from pairforge.export.settings import OF_ITS_METHOD
from pairforge.train.config import Loss, Method, TrainConfig
from pairforge.train.methods import METHODS, config_class

COMMON: dict[str, Any] = {
    "warmup_steps": paper.DPO["warmup"],  # below 1: a share of all steps (transformers 5 has no `warmup_ratio`)
    "logging_steps": 1,
    "logging_nan_inf_filter": False,  # transformers would print the running mean instead of a NaN
    "report_to": "none",
    "save_strategy": "steps",
    "save_steps": 0.25,  # below 1: a share of all steps
    "save_total_limit": 2,
}
_PAPER_KEYS = ("num_train_epochs", "max_length", "lr_scheduler_type", "per_device_train_batch_size", "beta")
LOSSES: dict[Loss, dict[str, Any]] = {
    "sigmoid": {"loss_type": ["sigmoid"]},
    "sigmoid+sft": {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 1.0]},
    "ld": {"loss_type": ["sigmoid"], "ld_alpha": 0.5},
    "simpo": {},
}
RENAMED = {
    "warmup_ratio": "warmup_steps (a number below 1 is a share of all steps)",
    "rpo_alpha": "loss: sigmoid+sft (or loss_type and loss_weights)",
    "max_prompt_length": "max_length; whole rows are kept or refused, prompts are never cut",
    "simpo_gamma": "loss: simpo, together with simpo_gamma",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One training run, resolved. `trl` holds TRL's arguments but `output_dir` and the accumulation steps.

    `global_batch_size` is in rows per optimizer step over all devices. `max_cut_share` is the share of rows that
    may be longer than `max_length`. `lora` holds peft's `LoraConfig` arguments, None trains all weights.
    `model_name` is what cards call the model. `learning_rate_source` says where the learning rate comes from.
    `template_kwargs` are switches of the chat template, None takes those that the pairs were made with.
    """

    method: Method
    model: str
    revision: str | None
    trl: dict[str, Any]
    global_batch_size: int
    lora: dict[str, Any] | None
    max_cut_share: float
    model_name: str | None = None
    learning_rate_source: str = ""
    template_kwargs: dict[str, Any] | None = None

    def accumulation_steps(self, devices: int, rows: int | None = None) -> int:
        """Batches per optimizer step on each device: what comes nearest to the global batch, at least one, and no more
        than `rows` fill."""
        if "gradient_accumulation_steps" in self.trl:
            return int(self.trl["gradient_accumulation_steps"])
        at_once = int(self.trl["per_device_train_batch_size"]) * devices
        wanted = max(1, round(self.global_batch_size / at_once))
        return wanted if rows is None else min(wanted, max(1, -(-rows // at_once)))

    def rows_per_step(self, devices: int, rows: int | None = None) -> int:
        """Rows per optimizer step over all devices, as they are really used; no more than the `rows` there are."""
        used = int(self.trl["per_device_train_batch_size"]) * devices * self.accumulation_steps(devices, rows)
        return used if rows is None else min(used, rows)

    def steps(self, devices: int, rows: int) -> int:
        """Optimizer steps of the whole training."""
        most = int(self.trl.get("max_steps") or -1)
        epochs = float(self.trl.get("num_train_epochs") or 1)
        return most if most > 0 else math.ceil(epochs * max(1, math.ceil(rows / self.rows_per_step(devices, rows))))

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def resolve(block: Mapping[str, Any], *, on_gpu: bool = False) -> Settings:
    """The settings of a `train:` block: our defaults, then its `loss`, then its own arguments.

    Raises `TrainError` for a missing model, an unknown argument (with the nearest known name) or a bad value.
    """
    own = own_settings(block)
    given = {name: value for name, value in block.items() if value is not None or name == "max_length"}
    given = {name: value for name, value in given.items() if name not in OWN}
    if not own.model:
        raise TrainError("no model specified", hint="--model M, or `model:` in the recipe's train block")
    method = method_of(block)
    rate, source = paper.learning_rate(own.model, method)
    if "learning_rate" in given:
        source = "set"
    device = dict.fromkeys(("bf16", "gradient_checkpointing", "dataloader_pin_memory"), on_gpu)
    base = {**COMMON, **method_arguments(method), **device, "learning_rate": rate}
    arguments = {**base, **loss_arguments(own.loss, method), **checked(given, method)}
    return Settings(
        method=method,
        model=own.model,
        revision=own.revision,
        trl=arguments,
        global_batch_size=own.global_batch_size or paper.defaults(method)["global_batch_size"],
        lora=lora_arguments(own.lora),
        max_cut_share=own.max_cut_share,
        model_name=own.model_name,
        learning_rate_source=source,
        template_kwargs=own.template_kwargs,
    )


def method_arguments(method: Method) -> dict[str, Any]:
    """TRL's arguments of a method, where a train block says nothing."""
    defaults = {name: value for name, value in paper.defaults(method).items() if name in _PAPER_KEYS}
    reference = {"precompute_ref_log_probs": True} if METHODS[method].reference else {}
    return defaults | reference | METHODS[method].arguments


def own_settings(block: Mapping[str, Any]) -> TrainConfig:
    """Our own keys of a train block, checked; None stands for a key's default."""
    own = {name: value for name, value in block.items() if name in OWN and value is not None}
    try:
        return TrainConfig.model_validate(own)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        said = first["msg"].removeprefix("Value error, ")
        raise TrainError(f"train.{first['loc'][0]}: {said} (found {first['input']!r:.80})") from None


def method_of(block: Mapping[str, Any]) -> Method:
    """The method of a train block: `method`, else the one its `loss` belongs to."""
    method: Method = block.get("method") or ("simpo" if block.get("loss") == "simpo" else "dpo")
    return method


def for_method(block: Mapping[str, Any], method: str) -> dict[str, Any]:
    """What a train block says about `method`, be it written for that method or for another.

    A block of another method loses its learning rate, its loss and every argument that TRL does not have here: one
    recipe serves its DPO run and the SFT control beside it.
    """
    if method not in METHODS or method == method_of(block):
        return dict(block)
    known = {field.name for field in dataclasses.fields(config_class(method))} | set(OWN)
    kept = {name: value for name, value in block.items() if name in known - set(OF_ITS_METHOD)}
    if kept.get("per_device_train_batch_size") == 1 and paper.defaults(method)["per_device_train_batch_size"] > 1:
        del kept["per_device_train_batch_size"]
    return kept


def loss_arguments(loss: Loss | None, method: Method) -> dict[str, Any]:
    """TRL's arguments for a loss by name."""
    if loss is None:
        return {}
    if method != ("simpo" if loss == "simpo" else "dpo"):
        raise TrainError(f"train.loss: '{loss}' does not go with method '{method}'", hint="leave one of the two out")
    return LOSSES[loss]


def lora_arguments(lora: bool | dict[str, Any] | None) -> dict[str, Any] | None:
    """peft's arguments: `true` takes the defaults, a mapping overrides them."""
    defaults = {
        "r": 16,
        "lora_alpha": 32,
        "lora_dropout": 0.0,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
    }
    if not lora:
        return None
    return defaults if lora is True else {**defaults, **lora}


def checked(given: Mapping[str, Any], method: Method) -> dict[str, Any]:
    """The arguments with their values in the types TRL declares (YAML reads 1e-7 as text).

    Raises `TrainError` for a name TRL does not have, with the nearest one, and for a value of the wrong type.
    """
    kinds = typing.get_type_hints(config_class(method))
    known = {field.name for field in dataclasses.fields(config_class(method)) if field.init} - {"output_dir"}
    for name in given:
        if name not in known:
            raise TrainError(
                f"train.{name}: TRL's {config_class(method).__name__} has no such argument", hint=_hint(name, known)
            )
    return {name: _typed(name, value, kinds[name]) for name, value in given.items()}


OWN = tuple(TrainConfig.model_fields)


def _hint(name: str, known: set[str]) -> str:
    if name in RENAMED:
        return f"use {RENAMED[name]}"
    return nearest(name, known | set(OWN), otherwise="see docs/training.md for the names")


def _typed(name: str, value: Any, kind: Any) -> Any:
    if value is False and name.endswith("_strategy"):
        value = "no"  # which YAML reads as false
    if name == "loss_type" and isinstance(value, str) and "list" in str(kind):
        value = [value]
    try:
        adapter = pydantic.TypeAdapter(kind)
    except pydantic.errors.PydanticSchemaGenerationError:
        return value  # a type of torch or transformers that pydantic does not know: TRL judges it itself
    try:
        return adapter.validate_python(value)
    except pydantic.ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise TrainError(f"train.{name}: {value!r} is not what TRL expects: {reason}") from None
