"""Any OpenAI-compatible server, or several of them: `vllm serve`, a router, a cloud endpoint.

The openai client does the talking and the retrying (429, 5xx, timeouts, resets; backoff with jitter, Retry-After).
Here: a bounded window, the choice of the server, and telling a server that died from a request that fails alone.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from pairforge.errors import EngineError, require
from pairforge.generator.engines.protocol import Completion, Request

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_NAMES = {"temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias"}
NEUTRAL = {"top_k": (-1, 0), "min_p": (0,), "repetition_penalty": (1,)}  # values that change nothing
HEALTH_TIMEOUT_S = 10.0
MOST_FAILURES = (
    2  # how often a request may fail at servers that are otherwise well (a dying one looks well for a moment)
)


@dataclass(slots=True)
class _Server:
    url: str
    client: AsyncOpenAI
    is_vllm: bool = False
    in_flight: int = 0
    died_of: str = ""


class ServerEngine:
    """An `Engine` over HTTP. Requests go to the least busy of `base_urls`; one that dies hands its requests over."""

    def __init__(
        self,
        model: str,
        *,
        base_urls: Sequence[str],
        sampling: Mapping[str, Any],
        template_kwargs: Mapping[str, Any] | None = None,
        api: Literal["chat", "completions"],
        window: int | None,
        timeout_s: float,
        retries: int,
        api_key_env: str,
    ) -> None:
        """`window` requests are kept in flight (None: 64 per server). With `api` "chat" the server applies
        its own chat template, with the switches `template_kwargs`, to the messages; "completions" sends the rendered
        prompt, for models without one.
        The key is read from the environment variable `api_key_env` and goes nowhere but to the servers.

        Raises `EngineError` when a server does not answer or does not serve the model.
        """
        openai = require("openai", extra="server", purpose="sampling from a server")
        if not base_urls:
            raise EngineError(
                "the server engine has no address",
                hint="set generator.engine.base_urls, for example ['http://127.0.0.1:8000/v1']",
            )
        self.window = window or 64 * len(base_urls)
        self._model, self._sampling, self._api = model, dict(sampling), api
        self._switches = {"chat_template_kwargs": dict(template_kwargs)} if template_kwargs else {}
        self._key_env, self._key = api_key_env, os.environ.get(api_key_env, "")
        how: Any = {"api_key": self._key or "none", "max_retries": retries, "timeout": timeout_s}
        self._servers = [_Server(url, openai.AsyncOpenAI(base_url=url, **how)) for url in base_urls]
        self._done: queue.SimpleQueue[Completion] = queue.SimpleQueue()
        self._flying: set[str] = set()
        self._fatal = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server-engine", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._greet_all(), self._loop).result()
        except BaseException:
            self.close()
            raise

    @property
    def in_flight(self) -> int:
        return len(self._flying)

    def submit(self, request: Request) -> None:
        self._flying.add(request.key)
        asyncio.run_coroutine_threadsafe(self._draw(request), self._loop)

    def poll(self, timeout_s: float) -> list[Completion]:
        finished: list[Completion] = []
        try:
            finished.append(self._done.get(timeout=timeout_s))
            while True:
                finished.append(self._done.get_nowait())
        except queue.Empty:
            pass
        self._flying.difference_update(c.key for c in finished)
        if not finished and self._fatal:
            raise EngineError(self._fatal, hint="everything stored so far is kept; run the same command again later")
        return finished

    def close(self) -> None:
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._flying.clear()

    def __enter__(self) -> ServerEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # --- in the event loop's thread ----------------------------------------------------------------------------

    async def _draw(self, request: Request) -> None:
        """Bring one request to an end, at whichever server is alive."""
        import openai

        failures = 0
        while (server := self._least_busy()) is not None:
            server.in_flight += 1
            try:
                self._done.put(await self._ask(server, request))
                return
            except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
                server.died_of = self._words(error)
            except (openai.APIConnectionError, openai.InternalServerError) as error:
                failures += 1
                if not server.died_of and not await self._answers(server):
                    server.died_of = self._words(error)
                elif not server.died_of and failures >= MOST_FAILURES:
                    self._done.put(Completion(request.key, "", 0, "error", self._words(error)))
                    return
            except Exception as error:  # refused (400, 422, 429 to the end) or a reply that makes no sense
                self._done.put(Completion(request.key, "", 0, "error", self._words(error)))
                return
            finally:
                server.in_flight -= 1
        self._fatal = "all servers failed: " + "; ".join(f"{s.url}: {s.died_of}" for s in self._servers)

    async def _ask(self, server: _Server, request: Request) -> Completion:
        """One request to one server, retried by the client."""
        own = {name: value for name, value in self._sampling.items() if name in OPENAI_NAMES}
        own |= {"seed": request.seed, "stop": list(request.stop) or None}
        extra = {
            name: value
            for name, value in self._sampling.items()
            # vLLM fills what is not said from the model's generation_config; others may refuse names they do not know
            if name not in OPENAI_NAMES and (server.is_vllm or value not in NEUTRAL.get(name, ()))
        }
        if self._api == "completions":
            reply = await server.client.completions.create(
                model=self._model,
                prompt=request.prompt + request.begun,
                max_tokens=request.max_tokens,
                extra_body=extra,
                **own,
            )
            text = reply.choices[0].text
        else:
            turns: Any = list(request.messages) or [{"role": "user", "content": request.prompt}]
            reply = await server.client.chat.completions.create(
                model=self._model,
                messages=turns,
                max_tokens=request.max_tokens,
                extra_body=extra | self._switches,
                **own,
            )
            text = message_text(reply.choices[0].message)
        reason = reply.choices[0].finish_reason
        tokens = reply.usage.completion_tokens if reply.usage else 0
        if reason in ("stop", "length"):
            return Completion(request.key, text or "", tokens, reason)
        return Completion(request.key, text or "", tokens, "error", f"the server ended it with '{reason}'")

    def _least_busy(self) -> _Server | None:
        alive = [server for server in self._servers if not server.died_of]
        return min(alive, key=lambda server: server.in_flight, default=None)

    async def _answers(self, server: _Server) -> bool:
        """Whether a server that failed a request still answers anything at all."""
        import openai

        try:
            await server.client.with_options(max_retries=1, timeout=HEALTH_TIMEOUT_S).models.list()
        except (openai.APIConnectionError, openai.InternalServerError):
            return False
        except openai.APIError:  # it refuses the question: it is there
            return True
        return True

    async def _greet_all(self) -> None:
        await asyncio.gather(*(self._greet(server) for server in self._servers))

    async def _greet(self, server: _Server) -> None:
        """Find out that a server is there and serves the model."""
        import openai

        try:
            models = (await server.client.with_options(max_retries=2, timeout=HEALTH_TIMEOUT_S).models.list()).data
        except openai.APIConnectionError as error:
            raise EngineError(
                f"no server answers at {server.url}: {self._words(error)}",
                hint=f"start one (`python -m vllm.entrypoints.openai.api_server --model {self._model}`), or correct "
                "generator.engine.base_urls",
            ) from None
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise EngineError(
                f"{server.url} refuses the key: {self._words(error)}",
                hint=f"set the environment variable {self._key_env}",
            ) from None
        except Exception:  # not every endpoint lists its models; the first request will tell
            return
        server.is_vllm = any(getattr(m, "owned_by", "") == "vllm" for m in models)
        if models and self._model not in {m.id for m in models}:
            there = ", ".join(sorted(m.id for m in models)[:10])
            raise EngineError(f"the server at {server.url} does not serve '{self._model}'", hint=f"it serves: {there}")

    async def _hang_up(self) -> None:
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(server.client.close() for server in self._servers), return_exceptions=True)

    def _words(self, error: Exception) -> str:
        """What went wrong, with its cause and without the key."""
        cause = f" ({error.__cause__})" if error.__cause__ is not None and str(error.__cause__) else ""
        text = f"{error}{cause}" or type(error).__name__
        return text.replace(self._key, "***") if self._key else text


def message_text(message: Any) -> str:
    """A chat reply's text; a thought that the server took out of it goes back in front, in its tags."""
    content = message.content or ""
    thought = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    return f"<think>\n{thought}\n</think>\n\n{content}" if thought else content
