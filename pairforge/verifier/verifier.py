"""The public verifier: extraction and quick rules in the caller's process, everything else in worker processes."""

from __future__ import annotations

import atexit
import os
import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, get_args

from pairforge.chat import split_reasoning
from pairforge.errors import VerifierError
from pairforge.records import FinishReason, Status, Verdict
from pairforge.verifier.decisions import Comparison, Decision, DecisionCache, Percent
from pairforge.verifier.equal.compare import compare
from pairforge.verifier.extract.answer import extract_answer, extract_gold
from pairforge.verifier.extract.commas import has_braced_comma, is_decimal, with_point
from pairforge.verifier.extract.extraction import Extraction
from pairforge.verifier.extract.spans import is_foreign
from pairforge.verifier.parse.normalise import normalise
from pairforge.verifier.parse.plain import plain_number, plain_quantity
from pairforge.verifier.parse.values import Reading
from pairforge.verifier.pool import Pool

VERIFIER_VERSION = "6"  # raise it with every change that can change a verdict: it keys the decisions on disk
_WINDOW = 2048
_POLL_EVERY_S = 0.002
_GOLDS_KEPT = 20_000


def verifier_version(percent: Percent = "lenient") -> str:
    """What a verdict carries: the verifier's version, and the choice about percent signs where it is not the default.

    Verdicts made under another choice thus count as made by another verifier.
    """
    return VERIFIER_VERSION if percent == "lenient" else f"{VERIFIER_VERSION}+{percent}"


@dataclass(frozen=True, slots=True)
class Item:
    """One completion to verify. `text` is raw, with its reasoning; `key` is the verdict's `sample_key`."""

    key: str
    gold: str
    text: str
    finish_reason: FinishReason = "stop"


class Verifier:
    """Checks completions against their gold answers; a context manager for one calling thread.

    `timeout_s` bounds one comparison. `cache` names a file in which decisions survive between runs. `percent`:
    "lenient" takes 20 % and a bare 20 as equal, "strict" only where the words around them speak of a percentage.
    Raises `VerifierError` for an unknown choice, or when worker processes cannot start.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        timeout_s: float = 2.0,
        percent: Percent = "lenient",
        cache: Path | None = None,
    ) -> None:
        if percent not in get_args(Percent):
            raise VerifierError(f"unknown percent choice {percent!r}", hint="choices: strict, lenient")
        if (workers is not None and workers < 1) or timeout_s <= 0:
            raise VerifierError(f"workers={workers}, timeout_s={timeout_s}", hint="both must be positive")
        self._pool = Pool(workers or min(8, os.cpu_count() or 1), timeout_s)
        self._decisions = DecisionCache(cache, VERIFIER_VERSION)
        self._percent: Percent = percent
        self.version = verifier_version(percent)
        self._golds: dict[str, Extraction] = {}
        self._finished: deque[Verdict] = deque()
        self._waiting: dict[Comparison, list[tuple[str, str]]] = {}
        self._tasks: dict[int, Comparison] = {}
        self._next_task = 0
        self._waiters = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the workers and write what the cache still holds in memory."""
        self._pool.close()
        self._decisions.close()

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
            return Verdict(item.key, status, "", "gold", gold.how, self.version)
        found = extract_answer(item.text, item.finish_reason)
        if found.missing:
            return Verdict(item.key, found.missing, found.answer, "extract", found.how, self.version)
        if found.whole and _stated_word_for_word(gold.answer, found.whole):
            return Verdict(item.key, "correct", gold.answer, "identical", "the gold's words", self.version)
        if found.prose:
            return Verdict(item.key, "no_answer", found.answer, "extract", "a sentence and no value", self.version)
        wanted, given = _same_commas(gold.answer, found, item.text)
        pair = Comparison(wanted, given, gold.percent, found.percent, self._percent)
        decision = _decide_identical(pair) or self._decisions.get(pair)
        if decision is None and (decision := _decide_plain(pair)):
            self._decisions.put(pair, decision)
        if decision is not None:
            return self._verdict(item.key, found.answer, decision)
        self._waiters += 1
        if pair in self._waiting:
            self._waiting[pair].append((item.key, found.answer))
            return None
        self._waiting[pair] = [(item.key, found.answer)]
        self._next_task += 1
        self._tasks[self._next_task] = pair
        self._pool.submit((self._next_task, pair))
        return None

    def poll(self, timeout_s: float = 0.0) -> list[Verdict]:
        """The verdicts that are ready; waits up to `timeout_s` seconds when there is none yet."""
        for task_id, decision in self._pool.poll(0.0 if self._finished else timeout_s):
            pair = self._tasks.pop(task_id)
            self._decisions.put(pair, decision)
            for item_key, answer in self._waiting.pop(pair):
                self._waiters -= 1
                self._finished.append(self._verdict(item_key, answer, decision))
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

    def _verdict(self, key: str, answer: str, decision: Decision) -> Verdict:
        return Verdict(key, decision.status, answer, decision.rule, decision.detail, self.version)


# --- quick rules ----------------------------------------------------------------------------------------------


def _decide_identical(pair: Comparison) -> Decision | None:
    """A decision between identical texts or plain numbers, or None."""
    if pair.gold == pair.answer:
        return Decision("correct", "identical", "the same text")
    gold = plain_number(pair.gold)
    answer = plain_number(pair.answer) if gold is not None else None
    if gold is not None and answer is not None:
        return Decision("correct" if gold == answer else "incorrect", "number", f"{gold} and {answer}"[:100])
    return None


def _same_commas(gold: str, found: Extraction, text: str) -> tuple[str, str]:
    """Both answers, where a decimal comma of one side, or the language, tells what the comma of the other means."""
    answer = found.answer
    if "," in gold and (found.comma or has_braced_comma(answer)):
        gold = with_point(gold)
    elif "," in answer and (has_braced_comma(gold) or (is_decimal(gold) and is_foreign(text[-400:]))):
        answer = with_point(answer)
    return gold, answer


_WORDS = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")


def _stated_word_for_word(gold: str, whole: str) -> bool:
    """Does the statement say the gold's sentence in its own words, perhaps with further sentences behind it?"""
    if len(_WORDS.findall(gold)) < 3:
        return False
    words, stated = _flat(gold).rstrip("."), _flat(whole)
    return stated.startswith(words) and (len(stated) == len(words) or stated[len(words)] == ".")


def _flat(text: str) -> str:
    """One line without marks of bold; the first letter does not tell whether a sentence starts there."""
    text = " ".join(text.replace("*", "").split()).strip("\"'")
    return text[:1].lower() + text[1:]


def _decide_plain(pair: Comparison) -> Decision | None:
    """A decision between answers of the commonest forms, or None. Slower than the rule before, but bounded."""
    gold = plain_quantity(pair.gold)
    answer = plain_quantity(pair.answer) if gold is not None else None
    if gold is not None and answer is not None:
        kinds = f"quantity {pair.gold!r} and quantity {pair.answer!r}"
        decision = compare([Reading(gold)], [Reading(answer)], pair, kinds)
        if decision is not None:
            return decision
    left, right = _without_spacing(normalise(pair.gold)), _without_spacing(normalise(pair.answer))
    return Decision("correct", "same spelling", left[:100]) if left and left == right else None


_SPACING = re.compile(r"(?<![\d\w])\s+|\s+(?![\d\w])")


def _without_spacing(text: str) -> str:
    return _SPACING.sub("", text.replace('"', " "))


# --- one response ---------------------------------------------------------------------------------------------


_shared: dict[tuple[int, Percent], Verifier] = {}  # by process: a forked child must not share its parent's pipes
_shared_lock = threading.Lock()


def grade(gold: str, response: str, *, finish_reason: FinishReason = "stop", percent: Percent = "lenient") -> Verdict:
    """Verify one response against its gold answer. Safe from any thread; one worker per choice is started and kept.

    `percent` is as for `Verifier`. Raises `VerifierError` for an unknown choice.
    """
    with _shared_lock:
        verifier = _shared.get((os.getpid(), percent))
        if verifier is None:
            verifier = _shared[os.getpid(), percent] = Verifier(workers=1, percent=percent)
            atexit.register(verifier.close)
        return next(verifier.verify([Item("", gold, response, finish_reason)]))


def _forget_shared() -> None:
    global _shared, _shared_lock
    _shared, _shared_lock = {}, threading.Lock()


os.register_at_fork(after_in_child=_forget_shared)


Step = tuple[str, str]


def explain(
    gold: str, response: str, *, finish_reason: FinishReason = "stop", percent: Percent = "lenient"
) -> list[Step]:
    """How a verdict comes about, to print: (step, what happened) from the gold and the raw response to the decision.

    `percent` is as for `Verifier`. Raises `VerifierError`.
    """
    wanted, found = extract_gold(gold), extract_answer(response, finish_reason)
    written_as = split_reasoning(response).frame if isinstance(response, str) else "none"
    verdict = grade(gold, response, finish_reason=finish_reason, percent=percent)
    steps = [
        ("gold", str(gold)),
        ("gold answer", wanted.how if wanted.missing else f"{wanted.answer}   ({wanted.how})"),
        ("response", f"{len(response or '')} characters, format: {written_as}, {finish_reason}"),
        ("answer", found.how if found.missing else f"{found.answer}   ({found.how})"),
    ]
    if wanted.percent or found.percent:
        sides = [name for name, on in (("gold", wanted.percent), ("response", found.percent)) if on]
        steps.append(("percent", f"the words of the {' and the '.join(sides)} speak of a percentage"))
    steps.append(("rule", f"{verdict.rule}: {verdict.detail}"))
    steps.append(("decision", f"{verdict.status}   (verifier {verdict.verifier_version}, percent {percent})"))
    return steps
