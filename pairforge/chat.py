"""Prompts and reasoning frames: how a solution's thought and answer are told apart, and put together again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pairforge.records import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Frame = Literal["think", "sky-t1", "bare", "plain"]

# "think": <think>..</think> then the answer. "sky-t1": the markers of Sky-T1 and Bespoke-Stratos.
# "bare": thought and answer as two paragraphs, no markers. "plain": the answer part alone.
_THINK_OPEN = re.compile(r"<\s*(?:think|thinking|thought)\s*>", re.IGNORECASE)
_THINK_CLOSE = re.compile(r"<\s*/\s*(?:think|thinking|thought)\s*>", re.IGNORECASE)
_SKY = {
    name: re.compile(r"<\|\s*" + name + r"\s*\|>", re.IGNORECASE)
    for name in ("begin_of_thought", "end_of_thought", "begin_of_solution", "end_of_solution")
}


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A completion taken apart. `thought` is None when no frame was found; `closed` is False when a thought
    was opened and never ended (the completion was cut while thinking), and then `answer` is empty."""

    thought: str | None
    answer: str
    frame: Frame
    closed: bool = True


def split_reasoning(text: str) -> Reasoning:
    """Tell the thought of a completion from its answer, in time linear in the text.

    Knows `<think>..</think>` (also without the opener, as chat templates that prefill it leave it) and the
    Sky-T1 markers, in any case. The answer starts after the *last* end of thought. Anything else is "plain".
    """
    end = _last(_THINK_CLOSE, text)
    if end is not None:
        start = _THINK_OPEN.search(text)
        begin = start.end() if start and start.start() < end.start() else 0
        return Reasoning(text[begin : end.start()].strip(), text[end.end() :].strip(), "think")
    end = _last(_SKY["end_of_thought"], text)
    solution = _SKY["begin_of_solution"].search(text, end.end() if end else 0)
    if end is not None or solution is not None:
        start = _SKY["begin_of_thought"].search(text)
        begin = start.end() if start else 0
        stop = end.start() if end else solution.start() if solution else len(text)
        rest = text[solution.end() if solution else end.end() if end else 0 :]
        tail = _SKY["end_of_solution"].search(rest)
        return Reasoning(text[begin:stop].strip(), rest[: tail.start() if tail else None].strip(), "sky-t1")
    for opener, frame in ((_THINK_OPEN, "think"), (_SKY["begin_of_thought"], "sky-t1")):
        start = opener.search(text)
        if start is not None:
            unfinished: Frame = "think" if frame == "think" else "sky-t1"
            return Reasoning(text[start.end() :].strip(), "", unfinished, closed=False)
    return Reasoning(None, text.strip(), "plain")


def render_reasoning(thought: str | None, answer: str, frame: Frame) -> str:
    """Put a thought and an answer into a frame; the words of neither are touched.

    A solution without a thought of its own (a short solution) is split so that its working stands where the
    thought belongs: see `as_thought`.
    """
    body = (thought or "").strip()
    answer = answer.strip()
    if frame == "think":
        return f"<think>\n{body}\n</think>\n\n{answer}"
    if frame == "sky-t1":
        return (
            f"<|begin_of_thought|>\n\n{body}\n\n<|end_of_thought|>\n\n"
            f"<|begin_of_solution|>\n\n{answer}\n\n<|end_of_solution|>"
        )
    if frame == "bare":
        return f"{body}\n\n{answer}" if body else answer
    return answer


def prompt_messages(system: str | None, user: str, question: str) -> list[Message]:
    """The messages of a prompt. `user` is a template with the one placeholder `{question}`."""
    content = user.replace("{question}", question)
    turns: list[Message] = [{"role": "system", "content": system}] if system else []
    return [*turns, {"role": "user", "content": content}]


def render_prompt(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> str:
    """The prompt as text, ready for completion: through the chat template, or plain when there is none."""
    if getattr(tokenizer, "chat_template", None):
        rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return str(rendered)
    return plain_prompt(messages)


def plain_prompt(messages: list[Message]) -> str:
    """A prompt for a base model without a chat template; pair it with `PLAIN_STOPS`."""
    system = "".join(f"{m['content']}\n\n" for m in messages if m["role"] == "system")
    user = "\n\n".join(m["content"] for m in messages if m["role"] == "user")
    return f"{system}Question: {user}\n\nSolution:"


PLAIN_STOPS = ["\nQuestion:", "\n\nQuestion:", "\n\n\n"]


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(text):
        found = match
    return found
