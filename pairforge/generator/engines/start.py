"""From an engine's settings to a started engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pairforge import demo
from pairforge.generator.config import RayEngineConfig, ServerEngineConfig, VllmEngineConfig
from pairforge.generator.engines.protocol import Engine
from pairforge.generator.engines.ray import RayEngine
from pairforge.generator.engines.server import ServerEngine
from pairforge.generator.engines.vllm import VllmEngine


def open_engine(
    engine: VllmEngineConfig | ServerEngineConfig | RayEngineConfig,
    *,
    sampling: Mapping[str, Any],
    template_kwargs: Mapping[str, Any] | None = None,
    log: Path | None = None,
) -> Engine:
    """Start an engine.

    `sampling` holds what all requests share (temperature, top_p, ...), in vLLM's names; `template_kwargs` the template
    switches, for servers that render the prompt themselves. vLLM writes its own messages to the file `log`. Raises
    `EngineError` when the model is missing or refused, `MissingExtraError` when its package is not installed.
    """
    model = demo.resolve(engine.model)
    if isinstance(engine, ServerEngineConfig):
        return ServerEngine(
            model,
            base_urls=engine.base_urls,
            sampling=sampling,
            template_kwargs=template_kwargs or {},
            api=engine.api,
            window=engine.max_num_seqs,
            timeout_s=engine.timeout_s,
            retries=engine.retries,
            api_key_env=engine.api_key_env,
        )
    if isinstance(engine, RayEngineConfig):
        return RayEngine(
            model,
            revision=engine.revision,
            sampling=sampling,
            settings=engine.engine_args(),
            address=engine.address,
            replicas=engine.replicas,
        )
    return VllmEngine(model, revision=engine.revision, sampling=sampling, settings=engine.engine_args(), log=log)
