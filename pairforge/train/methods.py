"""The methods of training under TRL's names: trainer, columns, and TRL's arguments that each needs."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pairforge.errors import require

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

PAIRS = ("prompt", "chosen", "rejected")
LABELED = ("prompt", "completion", "label")


@dataclass(frozen=True, slots=True)
class Method:
    """How TRL trains with a method.

    `trainer` and `module` name TRL's class (its configuration is called alike, with Config for Trainer). `columns`
    are those of its rows. `arguments` are TRL's, beside `paper.defaults`. `reference`: it compares with the model at
    the start, whose log-probabilities are computed once before the first step. `title` names it on the model card.
    """

    trainer: str
    title: str
    columns: tuple[str, ...] = PAIRS
    arguments: dict[str, Any] = field(default_factory=dict)
    reference: bool = True
    module: str = "trl"


def _pairs(loss: str, title: str, **arguments: Any) -> Method:
    """A method that is a loss of TRL's DPOTrainer."""
    return Method("DPOTrainer", f"{title} with TRL's DPO trainer", arguments={"loss_type": [loss], **arguments})


METHODS: dict[str, Method] = {
    "dpo": Method("DPOTrainer", "direct preference optimization (DPO) with TRL"),
    "kto": Method("KTOTrainer", "KTO on labeled solutions with TRL", LABELED),
    "sft": Method(
        "SFTTrainer", "supervised fine-tuning on the chosen side with TRL", ("prompt", "chosen"), reference=False
    ),
    "simpo": Method(
        "CPOTrainer",
        "SimPO with TRL's CPO trainer",
        arguments={"loss_type": "simpo", "cpo_alpha": 0.0},
        reference=False,
        module="trl.experimental.cpo",
    ),
    "cpo": Method("CPOTrainer", "CPO with TRL", reference=False, module="trl.experimental.cpo"),
    "orpo": Method("ORPOTrainer", "ORPO with TRL", reference=False, module="trl.experimental.orpo"),
    "hinge": _pairs("hinge", "the hinge loss (SLiC)"),
    "ipo": _pairs("ipo", "IPO"),
    "exo_pair": _pairs("exo_pair", "EXO", label_smoothing=1e-3),
    "nca_pair": _pairs("nca_pair", "NCA"),
    "robust": _pairs("robust", "robust DPO", label_smoothing=0.1),
    "bco_pair": _pairs("bco_pair", "BCO on pairs"),
    "sppo_hard": _pairs("sppo_hard", "SPPO with hard labels"),
    "aot": _pairs("aot", "AOT"),
    "aot_unpaired": _pairs("aot_unpaired", "AOT with unpaired sorting"),
    "apo_zero": _pairs("apo_zero", "APO-zero"),
    "apo_down": _pairs("apo_down", "APO-down"),
    "apo_zero_unpaired": Method(
        "KTOTrainer", "APO-zero on labeled solutions with TRL", LABELED, arguments={"loss_type": "apo_zero_unpaired"}
    ),
    "discopop": _pairs("discopop", "DiscoPOP"),
    "sigmoid_norm": _pairs("sigmoid_norm", "DPO with log-probabilities per token"),
}


def config_class(method: str) -> type[TrainingArguments]:
    """TRL's configuration class of a method."""
    name = METHODS[method].trainer.replace("Trainer", "Config")
    found: type[TrainingArguments] = getattr(_module(method), name)
    return found


def trainer_class(method: str) -> type[Trainer]:
    """TRL's trainer class of a method."""
    found: type[Trainer] = getattr(_module(method), METHODS[method].trainer)
    return found


def _module(method: str) -> Any:
    """TRL's module that has the classes. Raises `MissingExtraError` without TRL."""
    require("trl", extra="train", purpose="training")
    return importlib.import_module(METHODS[method].module)
