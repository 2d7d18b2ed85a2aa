"""Calls to the Hub: patient with what passes by itself, clear about what does not, silent about secrets."""

from __future__ import annotations

import contextlib
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from huggingface_hub import HfApi, get_token
from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, get_session

from pairforge.errors import HubError

T = TypeVar("T")

TRIES = 5
TIMEOUT_S = 120.0  # huggingface_hub itself waits without end for an answer
LONGEST_WAIT_S = 300.0
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


def open_api() -> HfApi:
    """The Hub's client with the token of `hf auth login` or of the environment; nobody else may pass one.

    Raises `HubError` when there is no token.
    """
    if not get_token():
        raise HubError("no Hugging Face token was found", hint="run `hf auth login`, or set HF_TOKEN")
    return HfApi(library_name="pairforge")


def call(what: str, do: Callable[[], T], *, tries: int = TRIES, also: frozenset[int] = frozenset()) -> T:
    """Run one call to the Hub; repeat it while the trouble is likely to pass.

    `what` completes "the Hub refused ..." in messages. `also` names further status codes worth another try.
    Raises `HubError` with what happened and what to do; it never carries an address' query, a header or a token.
    """
    for attempt in range(tries):
        try:
            with_timeout()
            return do()
        except HubError:
            raise
        except Exception as error:
            if attempt + 1 == tries or not (transient(error) or status_of(error) in also):
                raise explained(error, what) from None  # the cause may quote a signed address
            time.sleep(wait_s(error, attempt))
    raise AssertionError("unreachable")


def with_timeout() -> None:
    """Bound the waits of the client's current session: it has no timeouts, and some of its calls ask for none."""
    session = get_session()
    hooks = session.event_hooks
    if fill_timeouts not in hooks["request"]:
        session.event_hooks = {**hooks, "request": [*hooks["request"], fill_timeouts]}


def fill_timeouts(request: Any) -> None:
    """Give a request the timeouts it lacks, in seconds."""
    own = request.extensions.get("timeout") or {}
    request.extensions["timeout"] = {name: own.get(name) or TIMEOUT_S for name in ("connect", "read", "write", "pool")}


def wait_s(error: Exception, attempt: int) -> float:
    """How long to wait before the next attempt: what the server asks for, or exponentially longer with jitter."""
    response = getattr(root(error), "response", None)
    asked = str(response.headers.get("Retry-After", "")) if response is not None else ""
    if asked.isdecimal():
        return min(float(asked), LONGEST_WAIT_S)
    return float(2**attempt) * random.uniform(0.75, 1.25)


def transient(error: Exception) -> bool:
    """Whether the same call may work a moment later: an overloaded server, a broken connection, half an answer."""
    if status_of(error):
        return status_of(error) in TRANSIENT
    return is_transport(root(error))


def is_transport(error: BaseException) -> bool:
    """Whether the way to the Hub failed: no connection, half an answer, silence."""
    # huggingface_hub 1.x raises httpx errors, 2.x httpx2 errors: both call their base TransportError
    names = {kind.__name__ for kind in type(error).__mro__}
    return "TransportError" in names or isinstance(error, json.JSONDecodeError | ConnectionError | TimeoutError)


def root(error: BaseException) -> BaseException:
    """The trouble behind an error: huggingface_hub and datasets wrap it (`RuntimeError: Error while uploading ...`)."""
    seen: BaseException | None = error
    while seen is not None:
        if status_of_one(seen) or is_transport(seen):
            return seen
        seen = seen.__cause__ or seen.__context__
    return error


def status_of(error: BaseException) -> int:
    """The HTTP status behind an error, 0 when there was no answer."""
    return status_of_one(root(error))


def status_of_one(error: BaseException) -> int:
    response = getattr(error, "response", None)
    return int(response.status_code) if response is not None else 0


def explained(error: Exception, what: str) -> HubError:
    """The error in our words."""
    status = status_of(error)
    said = server_message(root(error))
    name = type(root(error)).__name__
    if name == "OfflineModeIsEnabled":
        return HubError(f"cannot {what}: HF_HUB_OFFLINE is set", hint="unset HF_HUB_OFFLINE")
    if status == 401 and "credentials" in said.lower():
        hint = "it may have expired: run `hf auth login` again, or set HF_TOKEN to a token with write access"
        return HubError(f"the Hub does not accept the token (cannot {what}; status 401)", hint=hint)
    if name in ("RepositoryNotFoundError", "GatedRepoError"):
        hint = "check the name; a private repository also looks missing to a token without access to it"
        return HubError(f"cannot {what}: the Hub finds no such repository (status {status})", hint=hint)
    if not status:
        detail = said or name
        hint = "check the connection, then run the same command again: it goes on where it stopped"
        return HubError(f"cannot {what}: no answer from the Hub ({detail})", hint=hint)
    return HubError(f"cannot {what}: status {status}" + (f", {said}" if said else ""), hint=_HINTS.get(status, _AGAIN))


_AGAIN = "nothing was published by halves; run the same command again"
_HINTS = {
    400: "the Hub found the content wrong; run the same command again, and report it if it stays",
    402: "the namespace has no room left for private data; see its billing page",
    403: "the token needs write access to this namespace: https://huggingface.co/settings/tokens",
    409: "somebody else is changing the repository; run the same command again",
    412: "somebody else is changing the repository; run the same command again",
    413: "the files are too large for one request; push fewer views at once",
    429: "the Hub limits the rate of requests; wait some minutes, then run the same command again",
}


def server_message(error: BaseException) -> str:
    """The server's own sentence, shortened and without addresses; for other errors their name and first line."""
    response = getattr(error, "response", None)
    if response is not None:
        text = response.headers.get("X-Error-Message") or getattr(error, "server_message", "") or ""
    else:
        text = f"{type(error).__name__}: {error}"
    return scrub(str(text).strip().split("\n")[0])[:200]


def scrub(text: str) -> str:
    """Text without what may be secret: tokens, the credentials and the query of an address."""
    text = re.sub(r"\b(?:hf|api_org|sk|ghp|github_pat)[_-][A-Za-z0-9_-]{8,}", "(token)", text)
    text = re.sub(r"(?i)\b(bearer|basic)\s+\S+", r"\1 (token)", text)
    text = re.sub(r"(\w+://)[^/\s@]+@", r"\1", text)
    return re.sub(r"(\w+://[^\s?'\"]+)\?[^\s'\"]+", r"\1", text)


@contextlib.contextmanager
def quiet_bars() -> Iterator[None]:
    """Silence the progress bars of huggingface_hub and datasets: the caller shows its own."""
    import datasets

    theirs: Any = datasets
    bars, rows = are_progress_bars_disabled(), theirs.utils.is_progress_bar_enabled()
    disable_progress_bars()
    theirs.disable_progress_bars()
    try:
        yield
    finally:
        if not bars:
            enable_progress_bars()
        if rows:
            theirs.enable_progress_bars()
