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
from pairforge.verifier.answer_rules import AnswerRules, Kind, Options
from pairforge.verifier.decisions import Call, Comparison, Decision, DecisionCache, Percent, Units
from pairforge.verifier.equal.compare import compare
from pairforge.verifier.extract.answer import extract_answer, extract_gold
from pairforge.verifier.extract.commas import has_braced_comma, is_decimal, with_point
from pairforge.verifier.extract.extraction import Extraction
from pairforge.verifier.extract.spans import is_foreign
from pairforge.verifier.parse.normalise import normalise
from pairforge.verifier.parse.plain import plain_number, plain_quantity
from pairforge.verifier.parse.values import Reading
from pairforge.verifier.pool import Pool
from pairforge.verifier.text_kinds import decide_choice, decide_exact, options_in

VERIFIER_VERSION = "6"  # raise it with every change that can change a verdict: it keys the decisions on disk
DEFAULT_RULES = AnswerRules()
_WINDOW = 2048
_POLL_EVERY_S = 0.002
_GOLDS_KEPT = 20_000


def verifier_version(rules: AnswerRules = DEFAULT_RULES) -> str:
    """What a verdict carries: the verifier's version, the kind of ground truth, and the choices that are no defaults.

    Verdicts made under other rules thus count as made by another verifier. Raises `VerifierError` when the file of the
    rules' function cannot be read.
    """
    return VERIFIER_VERSION + rules.suffix()


@dataclass(frozen=True, slots=True)
class Item:
    """One completion to verify. `text` is raw, with its reasoning; `key` is the verdict's `sample_key`.

    `rules`: those of its source, where they are not the verifier's own. `options` are those of a multiple-choice
    question; without them they are read from `question`.
    """

    key: str
    gold: str
    text: str
    finish_reason: FinishReason = "stop"
    question: str = ""
    options: Options = ()
    rules: AnswerRules | None = None


class Verifier:
    """Checks completions against their gold answers; a context manager for one calling thread.

    `timeout_s` bounds one comparison. `rules` say what kind of ground truth it is, and how percent signs and units
    count. `cache` names a file in which decisions survive between runs.
    Raises `VerifierError` for an unknown choice, or when worker processes cannot start.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        timeout_s: float = 2.0,
        rules: AnswerRules = DEFAULT_RULES,
        cache: Path | None = None,
    ) -> None:
        _check_choices(rules)
        if (workers is not None and workers < 1) or timeout_s <= 0:
            raise VerifierError(f"workers={workers}, timeout_s={timeout_s}", hint="both must be positive")
        self._size, self._timeout_s = workers or min(8, os.cpu_count() or 1), timeout_s
        self._pools = {"": Pool(self._size, timeout_s)}  # by function; "" compares values
        self._decisions = DecisionCache(cache, VERIFIER_VERSION)
        self._rules = rules
        self.version = verifier_version(rules)
        self._versions = {rules: self.version}
        self._golds: dict[str, Extraction] = {}
        self._finished: deque[Verdict] = deque()
        self._waiting: dict[Comparison | Call, list[tuple[str, str, str]]] = {}  # key, answer and version of each
        self._tasks: dict[int, Comparison | Call] = {}
        self._next_task = 0
        self._waiters = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the workers and write what the cache still holds in memory."""
        for pool in self._pools.values():
            pool.close()
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
        rules = item.rules or self._rules
        version = self._versions.get(rules) or self._versions.setdefault(rules, verifier_version(rules))
        if rules.kind == "python":
            return self._call(item, rules.function, version)
        gold = self._gold(item.gold)
        if gold.missing:
            status: Status = "refused" if gold.missing == "refused" else "gold_unparsed"
            return Verdict(item.key, status, "", "gold", gold.how, version)
        found = extract_answer(item.text, item.finish_reason)
        if found.missing:
            return Verdict(item.key, found.missing, found.answer, "extract", found.how, version)
        if found.whole and _stated_word_for_word(gold.answer, found.whole):
            return Verdict(item.key, "correct", gold.answer, "identical", "the gold's words", version)
        if rules.kind != "math":
            decided = self._by_kind(item, gold, found, rules)
            return self._decided(item.key, found, decided, version)
        if found.prose:
            return Verdict(item.key, "no_answer", found.answer, "extract", "a sentence and no value", version)
        wanted, given = _same_commas(gold.answer, found, item.text)
        pair = Comparison(wanted, given, gold.percent, found.percent, rules.percent, rules.units)
        return self._decided(item.key, found, pair, version)

    def _by_kind(self, item: Item, gold: Extraction, found: Extraction, rules: AnswerRules) -> Decision | Comparison:
        if rules.kind == "exact":
            return decide_exact(gold.answer, found)
        return decide_choice(gold.answer, found, item.options or options_in(item.question), rules)

    def _decided(self, key: str, found: Extraction, pair: Comparison | Decision, version: str) -> Verdict | None:
        """The verdict on a pair, or None when it now waits for a worker."""
        if isinstance(pair, Decision):
            return _verdict(key, found.answer, pair, version)
        decision = _decide_identical(pair) or self._decisions.get(pair)
        if decision is None and (decision := _decide_plain(pair)):
            self._decisions.put(pair, decision)
        if decision is not None:
            return _verdict(key, found.answer, decision, version)
        self._wait(key, found.answer, version, pair, "")
        return None

    def _call(self, item: Item, function: str, version: str) -> Verdict | None:
        """A call of the user's function; a response that was cut inside its thought needs none."""
        found = extract_answer(item.text, item.finish_reason)
        if found.missing == "truncated":
            return Verdict(item.key, "truncated", "", "extract", found.how, version)
        answer = "" if found.missing else found.answer
        self._wait(item.key, answer, version, Call(function, item.gold, answer, item.text, item.question), function)
        return None

    def _wait(self, key: str, answer: str, version: str, task: Comparison | Call, function: str) -> None:
        self._waiters += 1
        if task in self._waiting:
            self._waiting[task].append((key, answer, version))
            return
        self._waiting[task] = [(key, answer, version)]
        self._next_task += 1
        self._tasks[self._next_task] = task
        if function not in self._pools:
            self._pools[function] = Pool(self._size, self._timeout_s, function)
        self._pools[function].submit((self._next_task, task))

    def poll(self, timeout_s: float = 0.0) -> list[Verdict]:
        """The verdicts that are ready; waits up to `timeout_s` seconds when there is none yet."""
        for task_id, decision in self._polled(0.0 if self._finished else timeout_s):
            task = self._tasks.pop(task_id)
            if isinstance(task, Comparison):
                self._decisions.put(task, decision)
            for item_key, answer, version in self._waiting.pop(task):
                self._waiters -= 1
                self._finished.append(_verdict(item_key, answer, decision, version))
        ready = list(self._finished)
        self._finished.clear()
        return ready

    def _polled(self, timeout_s: float) -> list[tuple[int, Decision]]:
        """What the pools have decided; waits up to `timeout_s` for a first decision."""
        pools = [pool for pool in self._pools.values() if pool.pending]
        if len(pools) == 1:
            return pools[0].poll(timeout_s)
        until = time.monotonic() + timeout_s
        while True:
            done = [decided for pool in pools for decided in pool.poll(_POLL_EVERY_S if timeout_s else 0.0)]
            if done or time.monotonic() >= until:
                return done

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


def _verdict(key: str, answer: str, decision: Decision, version: str) -> Verdict:
    return Verdict(key, decision.status, answer, decision.rule, decision.detail, version)


def _check_choices(rules: AnswerRules) -> None:
    for name, kind in (("kind", Kind), ("percent", Percent), ("units", Units)):
        if getattr(rules, name) not in get_args(kind):
            hint = f"choices: {', '.join(sorted(get_args(kind)))}"
            raise VerifierError(f"unknown {name} choice {getattr(rules, name)!r}", hint=hint)


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


_shared: dict[tuple[int, AnswerRules], Verifier] = {}  # by process: a forked child must not share its parent's pipes
_shared_lock = threading.Lock()


def grade(
    gold: str,
    response: str,
    *,
    finish_reason: FinishReason = "stop",
    question: str = "",
    options: Options = (),
    rules: AnswerRules = DEFAULT_RULES,
) -> Verdict:
    """Verify one response against its gold answer. Safe from any thread; one worker for each set of rules is kept.

    The arguments are those of `Item`. Raises `VerifierError` for an unknown choice.
    """
    with _shared_lock:
        verifier = _shared.get((os.getpid(), rules))
        if verifier is None:
            verifier = _shared[os.getpid(), rules] = Verifier(workers=1, rules=rules)
            atexit.register(verifier.close)
        return next(verifier.verify([Item("", gold, response, finish_reason, question, options)]))


def _forget_shared() -> None:
    global _shared, _shared_lock
    _shared, _shared_lock = {}, threading.Lock()


os.register_at_fork(after_in_child=_forget_shared)


Step = tuple[str, str]


def explain(
    gold: str,
    response: str,
    *,
    finish_reason: FinishReason = "stop",
    question: str = "",
    options: Options = (),
    rules: AnswerRules = DEFAULT_RULES,
) -> list[Step]:
    """How a verdict comes about, to print: (step, what happened) from the gold and the raw response to the decision.

    The arguments are those of `Item`. Raises `VerifierError`.
    """
    wanted, found = extract_gold(gold), extract_answer(response, finish_reason)
    written_as = split_reasoning(response).frame if isinstance(response, str) else "none"
    verdict = grade(gold, response, finish_reason=finish_reason, question=question, options=options, rules=rules)
    steps = [
        ("gold", str(gold)),
        ("gold answer", wanted.how if wanted.missing else f"{wanted.answer}   ({wanted.how})"),
        ("response", f"{len(response or '')} characters, format: {written_as}, {finish_reason}"),
        ("answer", found.how if found.missing else f"{found.answer}   ({found.how})"),
    ]
    if rules.kind == "choice":
        there = options or options_in(question)
        steps.append(("options", "; ".join(f"{letter}: {text}" for letter, text in there) or "not known"))
    if wanted.percent or found.percent:
        sides = [name for name, on in (("gold", wanted.percent), ("response", found.percent)) if on]
        steps.append(("percent", f"the words of the {' and the '.join(sides)} speak of a percentage"))
    steps.append(("rule", f"{verdict.rule}: {verdict.detail}"))
    chosen = f"kind {rules.kind}, percent {rules.percent}, units {rules.units}"
    steps.append(("decision", f"{verdict.status}   (verifier {verdict.verifier_version}, {chosen})"))
    return steps
