"""The settings of training: our own keys, typed; every other key is an argument of TRL under TRL's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pydantic
from pydantic import ConfigDict, Field

from pairforge.config import Config
from pairforge.switches import check_switches

Method = Literal[
    "dpo", "kto", "sft", "simpo", "cpo", "orpo", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair",
    "sppo_hard", "aot", "aot_unpaired", "apo_zero", "apo_down", "apo_zero_unpaired", "discopop", "sigmoid_norm",
]  # fmt: skip
Loss = Literal["sigmoid", "sigmoid+sft", "ld", "simpo"]


class TrainConfig(Config):
    """What `pairforge train` does with the pairs.

    The keys below are pairforge's own. Every other key is an argument of TRL's `DPOConfig`, `SFTConfig` or `CPOConfig`
    under TRL's name (`learning_rate`, `beta`, `max_length`, `max_steps`, ...); docs/training.md has ThinkPO's defaults.
    A name that TRL does not have is refused when training starts.
    """

    model_config = ConfigDict(extra="allow")

    model: str | None = Field(None, description="The model to train: a Hub id or a folder. `--model` overrides it.")
    revision: str | None = Field(None, description="Branch, tag or commit of the model on the Hub.")
    model_name: str | None = Field(
        None, description="What cards call the model where `model` is a folder, usually its Hub id. null: the folder."
    )
    method: Method | None = Field(
        None,
        description="`dpo`, `kto` on labeled solutions, `sft` on the chosen side, or another method under TRL's name "
        "(docs/training.md). null: `dpo`, or `simpo` where the loss is.",
    )
    loss: Loss | None = Field(
        None,
        description="`sigmoid`, `sigmoid+sft` (adds the likelihood of the chosen side), `ld` (length-desensitised), "
        "`simpo`. null: TRL's default, `sigmoid`. Others by TRL's own `loss_type`.",
    )
    lora: bool | dict[str, Any] | None = Field(
        None, description="`true`, or arguments of peft's `LoraConfig` (r 16, lora_alpha 32). null trains all weights."
    )
    global_batch_size: int | None = Field(
        None,
        ge=1,
        description="Rows per optimizer step over all devices; sets gradient_accumulation_steps. null: 48 (ThinkPO, "
        "Table 7), 32 for SFT.",
    )
    max_cut_share: float = Field(
        0.01, ge=0, le=1, description="Share of the rows (0 to 1) that may be longer than max_length; more is an error."
    )

    template_kwargs: dict[str, Any] | None = Field(
        None,
        description="Switches of the chat template while training. null takes those of the view's "
        "`format.template_kwargs`; set them for a dataset whose pairs need any.",
    )

    @pydantic.field_validator("template_kwargs")
    @classmethod
    def _possible_switches(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        check_switches(value or {})
        return value

    @pydantic.field_validator("lora", mode="before")
    @classmethod
    def _switch_or_arguments(cls, value: Any) -> Any:
        if value is None or isinstance(value, bool | Mapping):
            return value
        raise ValueError("expected true or arguments of peft's LoraConfig")
