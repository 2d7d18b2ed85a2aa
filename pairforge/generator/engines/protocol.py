"""What every engine is: requests go in, completions come out as they finish, in any order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from pairforge.errors import EngineError
from pairforge.records import FinishReason, Message


@dataclass(frozen=True, slots=True)
class Request:
    """One solution to draw. `key` is the key the finished sample will have.

    `prompt` is the rendered text; `messages` are the turns it was rendered from, for servers that apply the chat
    template themselves. `begun` is text behind the prompt that the solution begins with: a prefix of the recipe, or
    what an earlier request has sampled, in `begun_tokens`. `max_tokens` and `seed` belong to this request alone.
    """

    key: str
    problem_id: str
    draw: int
    prompt: str
    max_tokens: int
    seed: int
    stop: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    begun: str = ""
    begun_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """What an engine made of a request. `sampled_tokens` counts in the sampler's tokens, the end of turn included.

    Neither `text` nor `sampled_tokens` holds what was `begun` before.

    `finish_reason` is "stop", "length", or "error" with the engine's message in `error`.
    """

    key: str
    text: str
    sampled_tokens: int
    finish_reason: FinishReason
    error: str = ""


class Engine(Protocol):
    """A sampler with room for `window` requests at a time. Used from one thread, closed by `with`.

    A request that fails comes back as a completion with finish_reason "error" and harms no other. An engine that
    can serve no further request raises `EngineError` with its last error message.
    """

    window: int

    @property
    def in_flight(self) -> int:
        """Requests submitted and not yet returned by `poll`."""

    def submit(self, request: Request) -> None:
        """Hand over one request; returns at once."""

    def poll(self, timeout_s: float) -> list[Completion]:
        """What has finished. Waits up to about `timeout_s` for a first one; empty when nothing has."""

    def close(self) -> None:
        """Stop the engine; requests in flight are given up. Safe to call twice."""

    def __enter__(self) -> Engine: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


def check_model_path(model: str) -> None:
    """Raise `EngineError` when a model that is written as a path does not exist."""
    if model.startswith(("/", "./", "../", "~")) and not Path(model).expanduser().is_dir():
        raise EngineError(
            f"there is no model at '{model}'",
            hint="give a folder with config.json and weights, or a Hub id like 'Qwen/Qwen2.5-Math-7B-Instruct'",
        )
