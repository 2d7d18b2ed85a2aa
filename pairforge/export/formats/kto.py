"""KTO with TRL: train.jsonl of labeled solutions and kto.yaml for `trl kto`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import Format, Written
from pairforge.export.labels import kto_weights
from pairforge.export.settings import SHARED, dump_config, trl_arguments


def row(labeled: Mapping[str, Any]) -> dict[str, Any]:
    """TRL's conversational unpaired preference format; what the label follows from stays as columns."""
    return dict(labeled)


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    config = {
        **trl_arguments(settings, written),
        **{name: settings[name] for name in ("beta", *SHARED)},
        **kto_weights(*written.labels),
        "output_dir": "kto-model",
    }
    return {"kto.yaml": dump_config(config, "cd here, then: trl kto --config kto.yaml", settings)}


FORMAT = Format(row, configure, "cd {folder} && trl kto --config kto.yaml", kind="labels")
