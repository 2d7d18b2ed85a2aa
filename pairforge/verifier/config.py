"""The settings of the verifier."""

from __future__ import annotations

from typing import Any, Literal

import pydantic
from pydantic import Field

from pairforge.config import Config
from pairforge.verifier.decisions import Percent


class VerifierConfig(Config):
    """How final answers are checked."""

    timeout_s: float = Field(2.0, gt=0, description="Seconds that one comparison may take; then it is undecided.")
    workers: int | Literal["auto"] = Field("auto", description="Worker processes. `auto`: one per core, at most 8.")
    percent: Percent = Field(
        "lenient",
        description="Whether 20 % and a bare 20 are equal: `lenient`: yes, `strict`: only where the text around one of "
        "them says percent. After a change, `build` judges all samples of the run again.",
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _without_policy(cls, raw: Any) -> Any:
        """Earlier versions had a `policy` with the one value "default"."""
        if isinstance(raw, dict) and raw.get("policy") == "default":
            return {name: value for name, value in raw.items() if name != "policy"}
        return raw
