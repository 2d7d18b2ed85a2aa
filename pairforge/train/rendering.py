"""Conversations as text, for trainers that cannot be trusted to render them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pairforge.records import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def rendered_rows(tokenizer: PreTrainedTokenizerBase, rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Rows with `prompt`, `chosen` and `rejected` as the text that the chat template renders, each side ending in
    exactly one end-of-turn token.

    TRL's CPOTrainer (1.16) appends an end token wherever the last token is not one. Chat templates write a line break
    behind theirs, so every side would end in two, and lengths and normalised log-probabilities would be off.
    """
    return [_rendered(tokenizer, row) for row in rows]


def _rendered(tokenizer: PreTrainedTokenizerBase, row: dict[str, Any]) -> dict[str, str]:
    if isinstance(row["prompt"], str):
        return row
    prompt = str(tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True))
    sides = {side: _completion(tokenizer, row["prompt"], row[side], prompt) for side in ("chosen", "rejected")}
    if all(whole.startswith(prompt) for whole in sides.values()):
        return {"prompt": prompt, **{side: whole[len(prompt) :] for side, whole in sides.items()}}
    start = _common_prefix([prompt, *sides.values()])  # the template opens the answer otherwise, as TRL's DPO sees it
    return {"prompt": prompt[:start], **{side: whole[start:] for side, whole in sides.items()}}


def _completion(tokenizer: PreTrainedTokenizerBase, prompt: list[Message], side: list[Message], start: str) -> str:
    """Prompt and side as one text, up to the end-of-turn token."""
    whole = str(tokenizer.apply_chat_template([*prompt, *side], tokenize=False))
    end = tokenizer.eos_token or ""
    at = whole.rfind(end) if end else -1
    return whole[: at + len(end)] if at >= 0 and not whole[at + len(end) :].strip() else whole


def _common_prefix(texts: list[str]) -> int:
    shortest = min(len(text) for text in texts)
    return next((i for i in range(shortest) if len({text[i] for text in texts}) > 1), shortest)
