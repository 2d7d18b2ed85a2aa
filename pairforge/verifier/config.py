"""The settings of the verifier."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

import pydantic
from pydantic import Field

from pairforge.config import Config
from pairforge.verifier.answer_rules import Kind
from pairforge.verifier.decisions import Percent, Units

_KINDS = (
    "`math`: values are compared; `choice`: the letters of options, or their texts; `exact`: text after normalization, "
    "numbers as numbers; `python`: your own function."
)
_PYTHON = (
    "Only for kind `python`: `MODULE:FUNCTION`, with MODULE.py beside the recipe. Naming it here makes pairforge run "
    "that file, in worker processes."
)
_FUNCTION = re.compile(r"[^:]+:[A-Za-z_]\w*|/.+\.py:[A-Za-z_]\w*")


def _names_a_function(value: str | None) -> str | None:
    if value is not None and not _FUNCTION.fullmatch(value):
        raise ValueError("write MODULE:FUNCTION, with MODULE.py beside the recipe")
    return value


class SourceVerifierConfig(Config):
    """How the answers of one source are checked, where that differs from the recipe's `verifier` block."""

    kind: Kind | None = Field(None, description=f"The kind of ground truth. {_KINDS} null: the recipe's.")
    percent: Percent | None = Field(None, description="Whether 20 % and a bare 20 are equal. null: as the recipe says.")
    units: Units | None = Field(None, description="Whether 5 m and a bare 5 are equal. null: as the recipe says.")
    python: str | None = Field(None, description=f"{_PYTHON} null: the recipe's.")

    _named = pydantic.field_validator("python")(_names_a_function)


class JudgeConfig(Config):
    """A model behind an OpenAI-compatible server that is shown what the verifier could not decide."""

    model: str = Field(description="The model's name at the server.")
    base_urls: tuple[str, ...] = Field(min_length=1, description="Addresses: `[http://127.0.0.1:8000/v1]`.")
    counts: bool = Field(
        False,
        description="Whether its opinion is the status. false: the answer stays undecided, and the opinion is only the "
        "verdict's rule (`judge_correct`, `judge_incorrect`, `judge_unsure`).",
    )
    max_tokens: int = Field(1024, ge=1, description="Tokens that one opinion may take, the judge's thought included.")
    timeout_s: float = Field(120.0, gt=0, description="Seconds that one request may take.")
    retries: int = Field(3, ge=0, description="How often a request is retried after a 429, a 5xx or a timeout.")
    api_key_env: str = Field(
        "PAIRFORGE_API_KEY", description="The environment variable that holds the key; the key itself is never stored."
    )


class MajorityConfig(Config):
    """How problems without ground truth get one: the answer that most solutions of an arm agree on.

    The kind is marked (`gold: majority`) and the weakest there is: those solutions are then correct by definition.
    """

    arm: str = Field(
        description="Whose solutions decide: an arm (`sampled` for `generator`), which is drawn `draws.max` times for "
        "these problems, or `given`."
    )
    min_agreeing: int = Field(2, ge=2, description="Fewest solutions that must agree.")
    min_share: float = Field(
        0.5, gt=0, le=1, description="Smallest share of a problem's solutions that must agree (0 to 1)."
    )


class VerifierConfig(Config):
    """How final answers are checked."""

    kind: Kind = Field("math", description=f"The kind of ground truth. {_KINDS} A source may say otherwise.")
    timeout_s: float = Field(2.0, gt=0, description="Seconds that one comparison may take; then it is undecided.")
    workers: int | Literal["auto"] = Field("auto", description="Worker processes. `auto`: one per core, at most 8.")
    percent: Percent = Field(
        "lenient",
        description="Whether 20 % and a bare 20 are equal: `lenient`: yes, `strict`: only where the text around one of "
        "them says percent. After a change, `build` judges all samples of the run again.",
    )
    units: Units = Field(
        "lenient",
        description="Whether 5 m, $5 or 5 pm and a bare 5 are equal: `lenient`: yes, `strict`: no. Two different units "
        "are never equal. After a change, `build` judges all samples of the run again.",
    )
    python: str | None = Field(None, description=_PYTHON)
    judge: JudgeConfig | None = Field(
        None, description="Who is shown the answers that the verifier could not decide. null: nobody."
    )

    _named = pydantic.field_validator("python")(_names_a_function)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _without_policy(cls, raw: Any) -> Any:
        """Earlier versions had a `policy` with the one value "default"."""
        if isinstance(raw, dict) and raw.get("policy") == "default":
            return {name: value for name, value in raw.items() if name != "policy"}
        return raw

    @pydantic.model_validator(mode="after")
    def _has_its_function(self) -> Self:
        if self.kind == "python" and not self.python:
            raise ValueError("kind python needs a function: python: MODULE:FUNCTION")
        return self
