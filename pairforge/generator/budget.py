"""Budgets: how many tokens a draw may use before no rule could take its sample any more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SAFE_SHARE = 0.99
PIECE_CHARACTERS = 2000  # about the length of a sampled solution: the ratio of a long text is steadier than theirs


@dataclass(frozen=True, slots=True)
class TokenRatio:
    """Tokens of the sampler per token of the student, over `texts` measured texts.

    `median` is the usual ratio, `safe` the one that all but 1 % of the texts stay below: their difference is the
    safety margin. Both are 1 when the tokenizers are the same.
    """

    median: float = 1.0
    safe: float = 1.0
    texts: int = 0


def measure_ratio(
    sampler: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase, texts: Sequence[str]
) -> TokenRatio:
    """Count the beginnings of some texts with both tokenizers."""
    ratios = []
    for text in texts:
        piece = text[:PIECE_CHARACTERS]
        student_tokens = len(student.encode(piece, add_special_tokens=False))
        if student_tokens:
            ratios.append(len(sampler.encode(piece, add_special_tokens=False)) / student_tokens)
    if not ratios:
        return TokenRatio()
    ratios.sort()
    safe = ratios[min(len(ratios) - 1, math.ceil(SAFE_SHARE * len(ratios)))]
    return TokenRatio(ratios[len(ratios) // 2], safe, len(ratios))


@dataclass(frozen=True, slots=True)
class Budget:
    """`max_tokens` of one draw in the sampler's tokens (0: nothing to draw); `limited` when a rule made it smaller,
    converted with `ratio`."""

    max_tokens: int
    limited: bool = False
    ratio: float = 1.0


def budget(longest_useful_tokens: int | None, *, configured_tokens: int, room_tokens: int, ratio: TokenRatio) -> Budget:
    """The budget of one problem's draws.

    `longest_useful_tokens`: the longest sample that could still be paired, in the student's tokens, framed and with
    its end of turn (None: any length); `configured_tokens`: the recipe's max_tokens; `room_tokens`: what the prompt
    leaves of the context. One token is added for the sampler's own end of turn.
    """
    own = min(configured_tokens, room_tokens)
    if longest_useful_tokens is None:
        return Budget(own)
    if longest_useful_tokens <= 0:
        return Budget(0, limited=True)
    useful = math.ceil(longest_useful_tokens * ratio.safe) + 1
    return Budget(min(own, useful), limited=useful < own, ratio=ratio.safe)
