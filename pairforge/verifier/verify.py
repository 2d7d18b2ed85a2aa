"""Verifying completions: extraction and quick rules here, everything else in worker processes."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from pairforge.errors import VerifierError
from pairforge.records import FinishReason, Status, Verdict
from pairforge.verifier.compare import Hints
from pairforge.verifier.decide import Decision, cheap_decision, quick_decision
from pairforge.verifier.extract import extract_answer, extract_gold
from pairforge.verifier.extraction import Extraction
from pairforge.verifier.memo import Memo
from pairforge.verifier.pool import Pool

VERIFIER_VERSION = "3"  # raise it with every change that can change a verdict: it keys the decisions on disk
_WINDOW = 2048
_POLL_EVERY_S = 0.002
_GOLDS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Item:
    """One completion to verify. `text` is raw, with its reasoning frame; `key` is the verdict's `sample_key`."""

    key: str
    gold: str
    text: str
    finish_reason: FinishReason = "stop"


class Verifier:
    """Checks completions against their gold answers; a context manager for one calling thread.

    `timeout_s` bounds one comparison. `cache` names a file in which decisions survive between runs.
    Raises `VerifierError` for an unknown policy, or when worker processes cannot start.
    """

    def __init__(
        self, *, workers: int | None = None, timeout_s: float = 2.0, policy: str = "default", cache: Path | None = None
    ) -> None:
        if policy != "default":
            raise VerifierError(f"unknown verifier policy {policy!r}", hint="policies: default")
        if (workers is not None and workers < 1) or timeout_s <= 0:
            raise VerifierError(f"workers={workers}, timeout_s={timeout_s}", hint="both must be positive")
        self._pool = Pool(workers or min(8, os.cpu_count() or 1), timeout_s)
        self._memo = Memo(cache, VERIFIER_VERSION + policy)
        self._golds: dict[str, Extraction] = {}
        self._finished: deque[Verdict] = deque()
        self._waiting: dict[tuple[str, str, bool, bool], list[tuple[str, str]]] = {}
        self._tasks: dict[int, tuple[str, str, bool, bool]] = {}
        self._next_task = 0
        self._waiters = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the workers and write what the cache still holds in memory."""
        self._pool.close()
        self._memo.close()

    @property
    def pending(self) -> int:
        """Submitted items whose verdict has not been returned by `poll`."""
        return self._waiters + len(self._finished)

    def submit(self, item: Item) -> None:
        """Take one item; its verdict comes out of a later `poll`."""
        verdict = self._begin(item)
        if verdict is not None:
            self._finished.append(verdict)

    def _begin(self, item: Item) -> Verdict | None:
        """The verdict when it can be had here and now; None when the item now waits for a worker."""
        gold = self._gold(item.gold)
        if gold.missing:
            status: Status = "refused" if gold.missing == "refused" else "gold_unparsed"
            return Verdict(item.key, status, "", "gold", gold.how, VERIFIER_VERSION)
        found = extract_answer(item.text, item.finish_reason)
        if found.missing:
            return Verdict(item.key, found.missing, found.answer, "extract", found.how, VERIFIER_VERSION)
        key = (gold.answer, found.answer, gold.percent, found.percent)
        decision = quick_decision(gold.answer, found.answer) or self._memo.get(key)
        if decision is None and (decision := cheap_decision(gold.answer, found.answer, Hints(*key[2:]))):
            self._memo.put(key, decision)
        if decision is not None:
            return _verdict(item.key, found.answer, decision)
        self._waiters += 1
        if key in self._waiting:
            self._waiting[key].append((item.key, found.answer))
            return None
        self._waiting[key] = [(item.key, found.answer)]
        self._next_task += 1
        self._tasks[self._next_task] = key
        self._pool.submit((self._next_task, key[0], key[1], key[2:]))
        return None

    def poll(self, timeout_s: float = 0.0) -> list[Verdict]:
        """The verdicts that are ready; waits up to `timeout_s` seconds when there is none yet."""
        for task_id, decision in self._pool.poll(0.0 if self._finished else timeout_s):
            key = self._tasks.pop(task_id)
            self._memo.put(key, decision)
            for item_key, answer in self._waiting.pop(key):
                self._waiters -= 1
                self._finished.append(_verdict(item_key, answer, decision))
        ready = list(self._finished)
        self._finished.clear()
        return ready

    def verify(self, items: Iterable[Item]) -> Iterator[Verdict]:
        """Verdicts in the order of the items, streaming: at most a bounded window of items is held."""
        order: deque[Verdict | str] = deque()  # in the order of the items; a key stands for a verdict still to come
        ready: dict[str, deque[Verdict]] = {}
        polled_s = 0.0
        for item in items:
            verdict = self._begin(item)
            if verdict is not None and not order:
                yield verdict
                continue
            order.append(verdict or item.key)
            now_s = time.monotonic()
            if now_s - polled_s > _POLL_EVERY_S or len(order) >= _WINDOW:
                polled_s = now_s
                self._collect(ready, 0.0)
                yield from self._leading(order, ready, wait_above=_WINDOW - 1)
        yield from self._leading(order, ready, wait_above=0)

    def _leading(
        self, order: deque[Verdict | str], ready: dict[str, deque[Verdict]], wait_above: int
    ) -> Iterator[Verdict]:
        """The verdicts at the head of the order, waiting for them while more than `wait_above` items are open."""
        while order:
            head = order[0]
            if isinstance(head, Verdict):
                order.popleft()
                yield head
            elif ready.get(head):
                order.popleft()
                yield ready[head].popleft()
                if not ready[head]:
                    del ready[head]
            elif len(order) > wait_above:
                self._collect(ready, 1.0)
            else:
                return

    def _collect(self, ready: dict[str, deque[Verdict]], timeout_s: float) -> None:
        for verdict in self.poll(timeout_s):
            ready.setdefault(verdict.sample_key, deque()).append(verdict)

    def _gold(self, gold: str) -> Extraction:
        found = self._golds.get(gold)
        if found is None:
            if len(self._golds) >= _GOLDS_KEPT:
                self._golds.clear()
            found = self._golds[gold] = extract_gold(gold)
        return found


def _verdict(key: str, answer: str, decision: Decision) -> Verdict:
    status, rule, detail = decision
    return Verdict(key, cast(Status, status), answer, rule, detail, VERIFIER_VERSION)


_shared: tuple[int, Verifier] | None = None
_shared_lock = threading.Lock()


def grade(gold: str, response: str, *, finish_reason: FinishReason = "stop", policy: str = "default") -> Verdict:
    """Verify one response against its gold answer. Safe from any thread; one worker is started and kept.

    Raises `VerifierError` for an unknown policy.
    """
    global _shared
    if policy != "default":
        raise VerifierError(f"unknown verifier policy {policy!r}", hint="policies: default")
    with _shared_lock:
        if _shared is None or _shared[0] != os.getpid():  # a forked child must not share its parent's pipes
            _shared = (os.getpid(), Verifier(workers=1))
            atexit.register(_shared[1].close)
        return next(_shared[1].verify([Item("", gold, response, finish_reason)]))


def _forget_shared() -> None:
    global _shared, _shared_lock
    _shared, _shared_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_shared)
