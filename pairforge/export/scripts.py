"""Shell scripts and fragments of configurations that several formats share."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from pairforge.export.format import EVAL_SPLIT, Written

HERE = 'here="$(cd "$(dirname "$0")" && pwd)"\n'


def script(program: str, options: Mapping[str, Any]) -> str:
    """A script that runs a program in the export's folder. An option that is True is a bare flag; lists are several
    words."""
    return f'{HERE}cd "$here" && {program}{words(options)}\n'


def checkout_script(program: str, options: Mapping[str, Any]) -> str:
    """A script that runs a program in a checkout of the trainer, its first argument; `$here` is the export's folder."""
    return f'{HERE}cd "${{1:?the folder of a checkout}}" && {program}{words(options)}\n'


def words(options: Mapping[str, Any]) -> str:
    """Options as words of a shell command, one to a line."""
    parts = []
    for name, value in options.items():
        values = [] if value is True else value if isinstance(value, list | tuple) else [value]
        parts.append(" ".join([f"--{name}", *(_word(str(v)) for v in values)]))
    return "".join(f" \\\n  {part}" for part in parts)


def _word(text: str) -> str:
    """A shell word; only `$here` in front of a path is expanded."""
    return f'"{text}"' if text.startswith("$here/") else shlex.quote(text)


def checkout(trainer: str) -> dict[str, str]:
    """What `CHECKOUT` in a command stands for."""
    return {"CHECKOUT": f"the folder of a checkout of {trainer}"}


def openrlhf_schedule(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """OpenRLHF's schedule. It passes a least learning rate on to every schedule, which plain "cosine" does not take."""
    schedule = {"lr_scheduler": settings["lr_scheduler_type"], "lr_warmup_ratio": settings["warmup"]}
    if schedule["lr_scheduler"] == "cosine":
        schedule |= {"lr_scheduler": "cosine_with_min_lr", "min_lr_ratio": 0.0}
    return {f"{prefix}{name}": value for name, value in schedule.items()}


def nemo_rl_data(written: Written, default: Mapping[str, Any]) -> dict[str, Any]:
    """NeMo RL's data section, in place of the example's."""

    def entry(name: str) -> dict[str, Any]:
        return {"data_path": f"${{oc.env:EXPORT}}/{name}.jsonl", "split": "train"}

    return {
        "_override_": True,
        "max_input_seq_length": "${policy.max_total_sequence_length}",
        "shuffle": True,
        "num_workers": 1,
        "use_multiple_dataloader": False,
        "train": entry("train"),
        "validation": entry(EVAL_SPLIT) if written.with_eval else None,
        "default": dict(default),
    }


def nemo_rl_script(program: str, config: str) -> str:
    """Run one of NeMo RL's examples with a configuration that extends the example's own."""
    program = f'EXPORT="$here" NEMO_RL="$(pwd)" uv run examples/{program} --config "$here/{config}"'
    return checkout_script(program, {})
