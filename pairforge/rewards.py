"""Rewards for reinforcement learning: pairforge's verifier as the functions that trainers call.

TRL's GRPOTrainer and RLOOTrainer call `correct`, `reasoning_format`, `shorter` and `longer` with the columns of
`pairforge export --format rlvr`; verl calls `verl_score`, OpenRLHF `openrlhf_rewards`. All of them may be called from
any thread and any process: each process starts verifier workers of its own when it first needs them.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pairforge.chat import split_reasoning
from pairforge.records import Status
from pairforge.verifier import AnswerRules, Item, Verifier
from pairforge.verifier.text_kinds import options_from

Completion = str | Sequence[dict[str, Any]]
"""A completion as trainers hand it over: text, or the messages of the assistant's turn."""

RIGHT_OR_WRONG: dict[Status, float] = {"correct": 1.0, "incorrect": 0.0, "no_answer": 0.0, "truncated": 0.0}
"""What each verdict is worth. Any other one means that the verifier could not decide."""

RULE_COLUMNS = ("verifier", "percent", "units", "question", "meta")
MOST_WORKERS = 4

_verifiers: dict[int, Verifier] = {}  # by process: a forked child must not share its parent's pipes
_lock = threading.Lock()


def correct(completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any) -> list[float | None]:
    """1.0 where the final answer equals the ground truth, 0.0 where it does not or where there is none.

    The columns `verifier` (math, choice or exact), `percent`, `units`, `question` and `meta` (with the options of a
    choice) say how answers are compared; without them, values are. None where the verifier cannot decide: an unreadable
    ground truth, a time-out, or kind python, whose function is not run from data. TRL then leaves this reward out.
    """
    return [RIGHT_OR_WRONG.get(status) for status in _verdicts(completions, ground_truth, columns)]


def reasoning_format(completions: Sequence[Completion], **columns: Any) -> list[float]:
    """1.0 for one complete block of reasoning (`<think>`, or Sky-T1's marks) with an answer behind it, else 0.0."""
    return [_well_formed(text_of(completion)) for completion in completions]


def shorter(
    completions: Sequence[Completion], ground_truth: Sequence[str], prompts: Sequence[Any], **columns: Any
) -> list[float]:
    """A reward for short correct completions, -0.5 to 0.5, relative to the other completions of the same prompt.

    0.5 for the shortest, -0.5 for the longest, linear in between; a completion that is not correct gets at most 0. Use
    it beside `correct`, with a smaller weight. It is the length reward of Kimi k1.5 (2501.12599, section 2.3.3).
    Lengths are in tokens where the trainer hands over `completion_ids`, in characters otherwise.
    """
    return _by_length(completions, ground_truth, prompts, columns, sign=-1)


def longer(
    completions: Sequence[Completion], ground_truth: Sequence[str], prompts: Sequence[Any], **columns: Any
) -> list[float]:
    """`shorter` the other way round: 0.5 for the longest correct completion of a prompt."""
    return _by_length(completions, ground_truth, prompts, columns, sign=1)


def verl_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: dict[str, Any] | None = None, **more: Any
) -> float:
    """verl's `custom_reward_function`: 1.0 for a correct answer, else 0.0, also where the verifier cannot decide."""
    told = {name: [value] for name, value in (extra_info or {}).items() if name in RULE_COLUMNS}
    return correct([solution_str], [ground_truth], **told)[0] or 0.0


def openrlhf_rewards(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """OpenRLHF's `reward_func`: rewards and scores of queries (a prompt with its completion); labels are the ground
    truth. What the verifier cannot decide gets 0.0, and `extra_logs` counts it."""
    import torch

    completions = [query[len(prompt) :] for query, prompt in zip(queries, prompts, strict=True)]
    found = correct([_without_end(text) for text in completions], labels)
    rewards = torch.tensor([value or 0.0 for value in found])
    undecided = torch.tensor([float(value is None) for value in found])
    return {"rewards": rewards, "scores": rewards, "extra_logs": {"undecided": undecided}}


def text_of(completion: Completion) -> str:
    """The words of a completion."""
    if isinstance(completion, str):
        return completion
    return "".join(str(message.get("content") or "") for message in completion)


# --- verdicts ------------------------------------------------------------------------------------------------------


def _verdicts(
    completions: Sequence[Completion], ground_truth: Sequence[str], columns: Mapping[str, Any]
) -> list[Status]:
    """The verdict on each completion, a batch at a time over the workers of this process."""
    pairs = enumerate(zip(completions, ground_truth, strict=True))
    items = [_item(i, text_of(completion), str(gold), columns) for i, (completion, gold) in pairs]
    found: dict[str, Status] = {}
    with _lock:
        found = {verdict.sample_key: verdict.status for verdict in _verifier().verify(item for item in items if item)}
    return [found.get(str(i), "error") for i in range(len(items))]


def _item(at: int, text: str, gold: str, columns: Mapping[str, Any]) -> Item | None:
    """One completion with the rules that its row names; None where no verifier here can judge it."""
    told = {name: columns[name][at] for name in RULE_COLUMNS if columns.get(name)}
    rules = AnswerRules(told.get("verifier", "math"), told.get("percent", "lenient"), told.get("units", "lenient"))
    known = rules.kind in ("math", "choice", "exact")
    if not known or not {rules.percent, rules.units} <= {"lenient", "strict"}:
        return None
    options = options_from(_meta(told.get("meta")).get("options"))
    return Item(str(at), gold, text, question=str(told.get("question") or ""), options=options, rules=rules)


def _meta(value: Any) -> dict[str, Any]:
    """The source's own columns of a row, as JSON text or as they are."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _verifier() -> Verifier:
    found = _verifiers.get(os.getpid())
    if found is None:
        found = _verifiers[os.getpid()] = Verifier(workers=min(MOST_WORKERS, os.cpu_count() or 1))
        atexit.register(found.close)
    return found


def _forget_verifier() -> None:
    global _verifiers, _lock
    _verifiers, _lock = {}, threading.Lock()


os.register_at_fork(after_in_child=_forget_verifier)


# --- form and length -----------------------------------------------------------------------------------------------


def _well_formed(text: str) -> float:
    parts = split_reasoning(text)
    complete = parts.frame in ("think", "sky-t1") and bool((parts.thought or "").strip()) and bool(parts.answer.strip())
    return float(complete and "<think>" not in parts.answer and "</think>" not in parts.answer)


def _by_length(
    completions: Sequence[Completion],
    ground_truth: Sequence[str],
    prompts: Sequence[Any],
    columns: Mapping[str, Any],
    *,
    sign: int,
) -> list[float]:
    completion_ids = columns.get("completion_ids")
    right = [status == "correct" for status in _verdicts(completions, ground_truth, columns)]
    lengths = [len(ids) for ids in completion_ids] if completion_ids else [len(text_of(c)) for c in completions]
    groups: dict[str, list[int]] = defaultdict(list)
    for place, prompt in enumerate(prompts):
        groups[repr(prompt)].append(place)
    rewards = [0.0] * len(lengths)
    for places in groups.values():
        low, high = min(lengths[i] for i in places), max(lengths[i] for i in places)
        for i in places if high > low else ():
            wanted = sign * ((lengths[i] - low) / (high - low) - 0.5)
            rewards[i] = wanted if right[i] else min(0.0, wanted)
    return rewards


_END = re.compile(r"(?:\s*(?:<\|[^<>|]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</s>|<end_of_turn>|<eos>))+\s*\Z")


def _without_end(text: str) -> str:
    """A completion without the special tokens at its end: OpenRLHF decodes them."""
    return _END.sub("", text)
