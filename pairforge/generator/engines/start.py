"""From a kind of engine to a started one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pairforge.errors import EngineError
from pairforge.generator.engines.protocol import Engine, EngineKind


def open_engine(
    kind: EngineKind,
    *,
    model: str,
    revision: str | None = None,
    sampling: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    log: Path | None = None,
) -> Engine:
    """Start an engine.

    `model` is a Hub id or a local folder. `sampling` holds what all requests share (temperature, top_p, ...) and
    `settings` what the engine is started with (max_model_len, max_num_seqs, dtype, ...), both in vLLM's own names;
    a setting that is None is left to the engine. Engines write their own messages to the file `log`.

    Raises `EngineError` when the model is missing or refused, `MissingExtraError` when its package is.
    """
    shared = dict(sampling or {})
    chosen = {name: value for name, value in (settings or {}).items() if value is not None}
    if kind == "vllm":
        from pairforge.generator.engines.vllm import VllmEngine

        return VllmEngine(model, revision=revision, sampling=shared, settings=chosen, log=log)
    if kind == "server":
        from pairforge.generator.engines.server import ServerEngine

        return ServerEngine(model, sampling=shared, **chosen)
    if kind == "ray":
        from pairforge.generator.engines.ray import RayEngine

        cluster = {name: chosen.pop(name) for name in ("address", "replicas") if name in chosen}
        return RayEngine(model, revision=revision, sampling=shared, settings=chosen, **cluster)
    raise EngineError(f"there is no engine of kind '{kind}'", hint="kinds: vllm, server, ray")
