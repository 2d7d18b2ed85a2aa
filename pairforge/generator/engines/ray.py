"""A Ray cluster: one vLLM replica per actor, all fed from one plan through one bounded window.

Where actors run, when they come back after a crash, and that a lost node's requests are drawn again is Ray's
business (`max_restarts`, `max_task_retries`); nothing here schedules.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any

from pairforge.errors import EngineError, require
from pairforge.generator.engines.protocol import Completion, Engine, Request


class Replica:
    """The actor: one engine, stepped by a thread, serving any number of `draw` calls at once."""

    def __init__(self, start: Callable[[], Engine]) -> None:
        self._engine = start()
        self._new: queue.SimpleQueue[tuple[Request, asyncio.Future[Completion], asyncio.AbstractEventLoop]]
        self._new = queue.SimpleQueue()
        self._failure: Exception | None = None
        threading.Thread(target=self._work, name="replica", daemon=True).start()

    async def window(self) -> int:
        return self._engine.window

    async def draw(self, request: Request) -> Completion:
        if self._failure is not None:
            raise self._failure
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Completion] = loop.create_future()
        self._new.put((request, answer, loop))
        return await answer

    def _work(self) -> None:
        """Feed the engine and hand out what it finishes; an engine that dies fails every call, now and later."""
        asked: dict[str, tuple[asyncio.Future[Completion], asyncio.AbstractEventLoop]] = {}
        try:
            while True:
                while not asked or not self._new.empty():
                    request, answer, loop = self._new.get()
                    asked[request.key] = (answer, loop)
                    self._engine.submit(request)
                for completion in self._engine.poll(0.05):
                    answer, loop = asked.pop(completion.key)
                    loop.call_soon_threadsafe(_settle, answer, completion)
        except Exception as error:
            self._failure = error
            while not self._new.empty():
                request, answer, loop = self._new.get()
                asked[request.key] = (answer, loop)
            for answer, loop in asked.values():
                loop.call_soon_threadsafe(_fail, answer, error)


class RayEngine:
    """An `Engine` over the replicas of a cluster; `window` is the sum of theirs."""

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        sampling: Mapping[str, Any],
        settings: Mapping[str, Any],
        address: str | None,
        replicas: int,
        start: Callable[[], Engine] | None = None,
    ) -> None:
        """Join the cluster at `address` (None: `RAY_ADDRESS`, or a local one) and start `replicas` actors on it.

        Each takes as many GPUs as `tensor_parallel_size`, or one CPU where the cluster has no GPU. `start` makes a
        replica's engine; by default that is vLLM with `settings`. pairforge must be installed on the nodes.
        Raises `EngineError` when the cluster cannot be reached or a replica cannot start.
        """
        ray = require("ray", extra="ray", purpose="sampling on a Ray cluster")
        self._ray = ray
        self._joined = not ray.is_initialized()
        self._asked: dict[Any, tuple[str, int]] = {}
        self._busy = [0] * replicas
        self._replicas: list[Any] = []
        try:
            if self._joined:
                ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except Exception as error:
            raise EngineError(
                f"cannot join the Ray cluster at {address or 'RAY_ADDRESS'}: {error}",
                hint="start one with `ray start --head`, or correct generator.engine.address",
            ) from error
        gpus = int(settings.get("tensor_parallel_size", 1)) if ray.cluster_resources().get("GPU") else 0
        actor = ray.remote(
            num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=-1, max_concurrency=10_000
        )(Replica)  # fmt: skip
        start = start or _vllm(model, revision, dict(sampling), dict(settings))
        self._replicas = [actor.remote(start) for _ in range(replicas)]
        with self._explained("a replica cannot start"):
            self.window = sum(ray.get([replica.window.remote() for replica in self._replicas]))

    @property
    def in_flight(self) -> int:
        return len(self._asked)

    def submit(self, request: Request) -> None:
        number = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._asked[self._replicas[number].draw.remote(request)] = (request.key, number)
        self._busy[number] += 1

    def poll(self, timeout_s: float) -> list[Completion]:
        if not self._asked:
            return []
        waiting = list(self._asked)
        ready, _ = self._ray.wait(waiting, num_returns=1, timeout=timeout_s)
        if ready:
            ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0)
        finished = []
        for reference in ready:
            with self._explained("a replica died"):
                finished.append(self._ray.get(reference))
            _, number = self._asked.pop(reference)
            self._busy[number] -= 1
        return finished

    def close(self) -> None:
        for replica in self._replicas:
            with contextlib.suppress(Exception):
                self._ray.kill(replica)
        self._replicas = []
        self._asked.clear()
        if self._joined:
            self._joined = False
            self._ray.shutdown()

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._ray.exceptions.RayError as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            self.close()
            raise EngineError(f"{what}: {' / '.join(lines[-5:])}", hint="`ray status` shows the cluster") from error


def _vllm(model: str, revision: str | None, sampling: dict[str, Any], settings: dict[str, Any]) -> Callable[[], Engine]:
    def start() -> Engine:
        from pairforge.generator.engines.vllm import VllmEngine

        return VllmEngine(model, revision=revision, sampling=sampling, settings=settings)

    return start


def _settle(answer: asyncio.Future[Completion], completion: Completion) -> None:
    if not answer.done():
        answer.set_result(completion)


def _fail(answer: asyncio.Future[Completion], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
