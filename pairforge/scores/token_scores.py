"""What a model says of a solution's tokens, with vLLM in this process: log-probabilities, and rewards."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pairforge.generator.engines.protocol import check_model_path
from pairforge.generator.engines.vllm import explained, own_log, refusals, start_llm_engine
from pairforge.scores.compute import Scored

if TYPE_CHECKING:
    from vllm import PoolingParams, SamplingParams
    from vllm.v1.engine.llm_engine import LLMEngine

GPU_STEP_TOKENS = 2048
"""Tokens of one step on a GPU: a step holds a float for every token and every word of the vocabulary."""


@dataclass(frozen=True, slots=True)
class TokenItem:
    """A solution as token ids of the scoring model: the prompt, and from `start` on the completion."""

    key: str
    ids: list[int]
    start: int


class TokenScorer:
    """A `Scorer` on vLLM's `LLMEngine`; `read` makes values of its finished outputs."""

    def __init__(
        self,
        engine: LLMEngine,
        params: Callable[[], SamplingParams | PoolingParams],
        read: Callable[[Any, TokenItem], Scored],
        endings: tuple[str, ...],
        log: Path | None = None,
    ) -> None:
        self._engine, self._params, self._read, self._log = engine, params, read, log
        self._refusals = refusals()
        self._running: dict[str, TokenItem] = {}
        self._refused: list[Scored] = []
        self.endings = endings
        self.window: int = engine.vllm_config.scheduler_config.max_num_seqs

    @property
    def in_flight(self) -> int:
        return len(self._running) + len(self._refused)

    def submit(self, item: TokenItem) -> None:
        try:
            self._engine.add_request(item.key, {"type": "token", "prompt_token_ids": item.ids}, self._params())
        except self._refusals as error:  # this solution alone, too long for the context for example
            self._refused.append(Scored(item.key, status="error", detail=str(error)))
        else:
            self._running[item.key] = item

    def poll(self, timeout_s: float) -> list[Scored]:
        """One step of the engine: it decides itself how long that takes, so `timeout_s` is not used."""
        done, self._refused = self._refused, []
        if self._running:
            with explained("vLLM died while scoring", self._log):
                outputs = self._engine.step()
            done += [self._read(output, self._running.pop(output.request_id)) for output in outputs if output.finished]
        return done

    def __enter__(self) -> TokenScorer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(Exception):
            self._engine.abort_request(list(self._running))
        core = getattr(self._engine, "engine_core", None)
        if core is not None:
            with contextlib.suppress(Exception):
                core.shutdown()


def logprob_scorer(model: str, revision: str | None, settings: Mapping[str, Any], log: Path | None) -> TokenScorer:
    """Scores a completion by the mean log-probability of its tokens given the prompt, natural logarithm; `sum` is the
    sum and `tokens` their number. Raises `EngineError` when vLLM cannot start with the model."""
    from vllm import SamplingParams
    from vllm.platforms import current_platform
    from vllm.sampling_params import RequestOutputKind

    step = {} if current_platform.is_cpu() else {"max_num_batched_tokens": GPU_STEP_TOKENS}
    engine = started(model, revision, {**step, **settings}, log)

    def params() -> SamplingParams:
        kind = RequestOutputKind.FINAL_ONLY
        return SamplingParams(max_tokens=1, temperature=0, prompt_logprobs=0, detokenize=False, output_kind=kind)

    return TokenScorer(engine, params, read_logprobs, ("", "sum", "tokens"), log)


def read_logprobs(output: Any, item: TokenItem) -> Scored:
    """The values of a completion, of vLLM's log-probabilities of the whole prompt."""
    given = output.prompt_logprobs or []
    if len(given) != len(item.ids) or item.start == len(item.ids):
        return Scored(item.key, status="error", detail=f"{len(given)} log-probabilities of {len(item.ids)} tokens")
    total = math.fsum(given[at][item.ids[at]].logprob for at in range(max(item.start, 1), len(item.ids)))
    count = len(item.ids) - max(item.start, 1)
    return Scored(item.key, {"": total / count, "sum": total, "tokens": count})


def reward_scorer(model: str, revision: str | None, settings: Mapping[str, Any], log: Path | None) -> TokenScorer:
    """Scores prompt and completion by a sequence-classification model with one label: its output, not squashed.

    Raises `EngineError` when vLLM cannot start with the model.
    """
    from vllm import PoolingParams

    engine = started(model, revision, {"runner": "pooling", **settings}, log)
    return TokenScorer(engine, lambda: PoolingParams(task="classify", use_activation=False), read_reward, ("",), log)


def read_reward(output: Any, item: TokenItem) -> Scored:
    """The one number of a reward model."""
    values = [float(value) for value in output.outputs.data.flatten().tolist()]
    if len(values) != 1:
        return Scored(
            item.key, status="error", detail=f"the model has {len(values)} labels, and a reward is one number"
        )
    return Scored(item.key, {"": values[0]})


def started(model: str, revision: str | None, settings: Mapping[str, Any], log: Path | None) -> LLMEngine:
    """A running vLLM engine. Raises `EngineError` when it cannot start."""
    check_model_path(model)
    with explained(f"vLLM cannot start with model '{model}'", log), own_log(log):
        return start_llm_engine(model, revision, settings, log)
