"""vLLM in this process: requests stream through its step loop, results come out as they finish."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pairforge.errors import EngineError, PairforgeError, nearest, require
from pairforge.generator.engines.protocol import Completion, Request, check_model_path

if TYPE_CHECKING:
    from vllm import RequestOutput, SamplingParams
    from vllm.engine.arg_utils import EngineArgs
    from vllm.v1.engine.llm_engine import LLMEngine

CPU_KV_CACHE_GIB = 2
CPU_MAX_NUM_SEQS = 256


class VllmEngine:
    """An `Engine` on vLLM's `LLMEngine`. `window` is `max_num_seqs`: what it decodes at once."""

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        sampling: Mapping[str, Any],
        settings: Mapping[str, Any],
        log: Path | None = None,
    ) -> None:
        check_model_path(model)
        with explained(f"vLLM cannot start with model '{model}'", log), own_log(log):
            engine = start_llm_engine(model, revision, settings, log)
        self._use(engine, sampling, log)

    @classmethod
    def around(cls, engine: LLMEngine, *, sampling: Mapping[str, Any]) -> VllmEngine:
        """The same on a vLLM engine that runs already (`LLM(...).llm_engine`)."""
        own = cls.__new__(cls)
        own._use(engine, sampling, None)
        return own

    def _use(self, engine: LLMEngine, sampling: Mapping[str, Any], log: Path | None) -> None:
        self._engine, self._tokenizer = engine, engine.get_tokenizer()
        self._sampling, self._log = dict(sampling), log
        self._failed: list[Completion] = []
        self._running: set[str] = set()
        self._refusals = refusals()
        self.window: int = engine.vllm_config.scheduler_config.max_num_seqs
        # A chat template writes its own begin-of-text token; a plain prompt needs the tokenizer's.
        self._add_special_tokens = not getattr(self._tokenizer, "chat_template", None)
        with explained("vLLM refuses the sampling parameters", log):  # now, not once per request
            self._params(Request("", "", 0, "", 1, 0))

    @property
    def in_flight(self) -> int:
        return len(self._running) + len(self._failed)

    def submit(self, request: Request) -> None:
        ids = self._tokenizer.encode(request.prompt + request.begun, add_special_tokens=self._add_special_tokens)
        try:
            self._engine.add_request(request.key, {"type": "token", "prompt_token_ids": ids}, self._params(request))
        except self._refusals as error:  # this request alone, too long for the context for example
            self._failed.append(Completion(request.key, "", 0, "error", str(error)))
        else:
            self._running.add(request.key)

    def poll(self, timeout_s: float) -> list[Completion]:
        """One step of the engine: it decides itself how long that takes, so `timeout_s` is not used."""
        finished, self._failed = self._failed, []
        if self._running:
            with explained("vLLM died while sampling", self._log):
                outputs = self._engine.step()
            finished += [completion(o) for o in outputs if o.finished]
            self._running.difference_update(c.key for c in finished)
        return finished

    def close(self) -> None:
        if self._running:
            with contextlib.suppress(Exception):
                self._engine.abort_request(list(self._running))
            self._running.clear()
        core = getattr(self.__dict__.pop("_engine", None), "engine_core", None)
        if core is not None:
            with contextlib.suppress(Exception):
                core.shutdown()
            del core
            free_memory()

    def __enter__(self) -> VllmEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _params(self, request: Request) -> SamplingParams:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            **self._sampling,
            seed=request.seed,
            max_tokens=request.max_tokens,
            stop=list(request.stop),
            output_kind=RequestOutputKind.FINAL_ONLY,
        )


def free_memory() -> None:
    """Give back the memory of a closed engine, so that another one can start in this process."""
    with contextlib.suppress(Exception):
        from vllm.distributed import cleanup_dist_env_and_memory

        cleanup_dist_env_and_memory()


def refusals() -> tuple[type[Exception], ...]:
    """What vLLM raises for a request that is wrong in itself; `ValueError` was its form until 0.20 or so."""
    try:
        from vllm.exceptions import VLLMClientError
    except ImportError:
        return (ValueError,)
    return (ValueError, VLLMClientError)


def completion(output: RequestOutput) -> Completion:
    """A finished vLLM output as ours. Anything but "stop" and "length" is an error."""
    first = output.outputs[0]
    reason = first.finish_reason
    if reason in ("stop", "length"):
        return Completion(output.request_id, first.text, len(first.token_ids), reason)
    return Completion(output.request_id, first.text, len(first.token_ids), "error", f"vLLM ended it with '{reason}'")


def start_llm_engine(model: str, revision: str | None, settings: Mapping[str, Any], log: Path | None) -> LLMEngine:
    """A started `LLMEngine`, with what a CPU needs filled in."""
    os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")  # stdout belongs to our results
    os.environ.setdefault("VLLM_CONFIGURE_LOGGING", "1")
    if settings.get("tensor_parallel_size", 1) == 1:
        # In this process: no second process to lose, and five times faster to start on a CPU.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    require("vllm", extra="vllm", purpose="sampling with vLLM")
    from vllm.usage.usage_lib import UsageContext
    from vllm.v1.engine.llm_engine import LLMEngine

    args = engine_args(model, revision, settings)
    engine = LLMEngine.from_engine_args(args, usage_context=UsageContext.LLM_CLASS)
    if log is not None:
        log_to(log)  # after the start, which sets vLLM's own handlers up
    return engine


def engine_args(model: str, revision: str | None, settings: Mapping[str, Any]) -> EngineArgs:
    """vLLM's arguments for these settings. Raises `EngineError` for a name that this vLLM does not have."""
    from vllm.engine.arg_utils import EngineArgs
    from vllm.platforms import current_platform

    known = {field.name for field in dataclasses.fields(EngineArgs) if field.init}
    for name in settings:
        if name not in known:
            raise EngineError(
                f"generator.engine.vllm.{name}: vLLM's EngineArgs has no such argument",
                hint=nearest(name, known, otherwise=f"it has: {', '.join(sorted(known))}"),
            )
    chosen = dict(settings)
    if current_platform.is_cpu():
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(CPU_KV_CACHE_GIB))
        chosen = cpu_settings(model, revision, settings)
    ours = {"model": model, "revision": revision, "tokenizer_revision": revision, "disable_log_stats": True}
    return EngineArgs(**{**ours, **chosen})


def cpu_settings(model: str, revision: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with what vLLM's CPU build needs.

    With per-request seeds it dies ("CPU Generator does not use offset") as soon as a prompt is prefilled in
    pieces; so no chunked prefill, and a step that takes the longest prompt whole.
    """
    context = settings.get("max_model_len") or context_tokens(model, revision, settings.get("trust_remote_code", False))
    return {
        "enforce_eager": True,
        "max_num_seqs": CPU_MAX_NUM_SEQS,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(4096, context),
        **settings,
    }


def context_tokens(model: str, revision: str | None = None, trust_remote_code: bool = False) -> int:
    """The context length a model was made for, from its config.json."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model, revision=revision, trust_remote_code=trust_remote_code)
    return int(config.get_text_config().max_position_embeddings)


@contextlib.contextmanager
def explained(what: str, log: Path | None) -> Iterator[None]:
    """Turn whatever vLLM raises into an `EngineError` with vLLM's own last lines."""
    try:
        yield
    except PairforgeError:
        raise
    except Exception as error:
        said = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        words = "\n".join(said[:20])
        if log is not None and "root cause" in words.lower():  # vLLM's other processes tell it to the log alone
            words += "\n" + "\n".join(last_lines(log))
        where = f"its whole log: {log}" if log is not None else "run again with the environment VLLM_LOGGING_LEVEL=INFO"
        raise EngineError(f"{what}: {words}", hint=where) from error


def last_lines(log: Path, count: int = 12) -> list[str]:
    """The last lines of an engine's log, errors preferred."""
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return []
    return ([line for line in lines if "ERROR" in line] or lines)[-count:]


def log_to(log: Path) -> None:
    """Send vLLM's messages of this process to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("vllm")
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter("%(levelname)s %(asctime)s %(name)s: %(message)s"))
    for old in logger.handlers[:]:
        logger.removeHandler(old)
    logger.addHandler(handler)


@contextlib.contextmanager
def own_log(log: Path | None) -> Iterator[None]:
    """While the engine starts, what it and its child processes print goes to its log, not over our output."""
    if log is None:
        yield
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    saved = [os.dup(fd) for fd in (1, 2)]
    try:
        for fd in (1, 2):
            os.dup2(file, fd)
        yield
    finally:
        for fd, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, fd)
            os.close(copy)
        os.close(file)
