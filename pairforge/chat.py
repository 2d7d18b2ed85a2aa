"""Prompts, and reasoning frames: how a solution's thought and answer are told apart, and put together again."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pydantic
from pydantic import Field

from pairforge.config import Config
from pairforge.records import Message
from pairforge.switches import check_switches

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Frame = Literal["think", "sky-t1", "bare", "plain"]

# "think": <think>..</think> then the answer. "sky-t1": the markers of Sky-T1 and Bespoke-Stratos.
# "bare": thought and answer as two paragraphs, no markers. "plain": the answer part alone.
THINK_OPEN = re.compile(r"<\s*(?:think|thinking|thoughts?|reasoning|seed:think)\s*>", re.IGNORECASE)
_THINK_CLOSE = re.compile(r"<\s*/\s*(?:think|thinking|thoughts?|reasoning|seed:think)\s*>", re.IGNORECASE)
_OTHER_MARKS = {  # of Mistral, Kimi and Cohere
    "[THINK]": "<think>", "[/THINK]": "</think>", "◁think▷": "<think>", "◁/think▷": "</think>",
    "<|START_THINKING|>": "<think>", "<|END_THINKING|>": "</think>",
}  # fmt: skip
_SKY = {
    name: re.compile(r"<\|\s*" + name + r"\s*\|>", re.IGNORECASE)
    for name in ("begin_of_thought", "end_of_thought", "begin_of_solution", "end_of_solution")
}


class PromptConfig(Config):
    """What a model is asked."""

    system: str | None = Field(None, description="System prompt. null sends none.")
    user: str = Field("{question}", description="The user turn; `{question}` stands for the problem.")
    template_kwargs: dict[str, Any] = Field(
        {},
        description="Switches of the chat template: `{enable_thinking: false}`, `{reasoning_effort: high}`. "
        "A switch that the template never reads is refused.",
    )

    @pydantic.field_validator("user")
    @classmethod
    def _has_question(cls, value: str) -> str:
        if "{question}" not in value:
            raise ValueError("the user prompt must contain {question}")
        return value

    fillable: ClassVar[tuple[str, ...]] = ("question",)
    """What may stand in braces. "meta." stands for every name that begins like this."""

    @pydantic.field_validator("system", "user")
    @classmethod
    def _can_be_filled(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        if (info.context or {}).get("stored"):
            return value  # of a run that was sampled already, by a version that left other braces alone
        for name in placeholders(value or ""):
            if name not in cls.fillable and not name.startswith(tuple(n for n in cls.fillable if n.endswith("."))):
                known = ", ".join(f"{{{n}COLUMN}}" if n.endswith(".") else f"{{{n}}}" for n in cls.fillable)
                raise ValueError(f"nothing fills {{{name}}}; there is {known}. To send the braces write {{ {name} }}")
        return value

    @pydantic.field_validator("template_kwargs")
    @classmethod
    def _possible_switches(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_switches(value)
        return value


class FormatConfig(PromptConfig):
    """What a pair looks like to the student: its prompt, and how both sides mark their reasoning."""

    frame: Frame = Field(
        "think",
        description="Format of the reasoning: `think` (`<think>` tags), `sky-t1` (the markers of Sky-T1 and "
        "Bespoke-Stratos), `bare` (two paragraphs, no markers), `plain` (the answer part alone).",
    )
    rejected_frame: Frame | Literal["same", "as_sampled"] = Field(
        "same", description="Format of the rejected side. `as_sampled` keeps the raw text, as ThinkPO's authors did."
    )
    columns: tuple[str, ...] = Field(
        (),
        description="Columns that pairs carry besides their own: the source's (`meta.level`), or any column that rules "
        "may name.",
    )


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

    Knows `<think>..</think>` (also without the opener, as chat templates that prefill it leave it) and its variants
    such as `[THINK]`, the channels of gpt-oss, and the Sky-T1 markers, in any case. The answer starts after the *last*
    end of thought; a thought that is opened again after it and never ended is unfinished. Anything else is "plain".
    """
    channels = _split_channels(text)
    if channels is not None:
        return channels
    for mark, usual in _OTHER_MARKS.items():
        text = text.replace(mark, usual)
    end = _last(_THINK_CLOSE, text)
    if end is not None:
        start = THINK_OPEN.search(text)
        begin = start.end() if start and start.start() < end.start() else 0
        if THINK_OPEN.search(text, end.end()):
            return Reasoning(text[begin:].strip(), "", "think", closed=False)
        return Reasoning(text[begin : end.start()].strip(), text[end.end() :].strip(), "think")
    end = _last(_SKY["end_of_thought"], text)
    solution = _SKY["begin_of_solution"].search(text, end.end() if end else 0)
    reopened = end is not None and solution is None and _SKY["begin_of_thought"].search(text, end.end())
    if (end is not None or solution is not None) and not reopened:
        start = _SKY["begin_of_thought"].search(text)
        begin = start.end() if start else 0
        stop = end.start() if end else solution.start() if solution else len(text)
        rest = text[solution.end() if solution else end.end() if end else 0 :]
        tail = _SKY["end_of_solution"].search(rest)
        return Reasoning(text[begin:stop].strip(), rest[: tail.start() if tail else None].strip(), "sky-t1")
    for opener, frame in ((THINK_OPEN, "think"), (_SKY["begin_of_thought"], "sky-t1")):
        start = opener.search(text)
        if start is not None:
            unfinished: Frame = "think" if frame == "think" else "sky-t1"
            return Reasoning(text[start.end() :].strip(), "", unfinished, closed=False)
    return Reasoning(None, text.strip(), "plain")


_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]{0,100}(?:<\|constrain\|>[^<]{0,40})?<\|message\|>")
_MESSAGE_END = re.compile(r"<\|(?:end|return|call)\|>")
_FLAT_ANALYSIS = re.compile(r"\s*(?:assistant)?analysis(?=[A-Z0-9<\\$\"*(])")  # decoded without special tokens
_FLAT_FINAL = "assistantfinal"


def _split_channels(text: str) -> Reasoning | None:
    """A completion of gpt-oss: what the last channel says is the answer when it is the final one. None for others."""
    if "<|channel|>" in text and (last := _last(_CHANNEL, text)):
        first = _CHANNEL.search(text)
        begin = first.end() if first else 0
        end = _MESSAGE_END.search(text, last.end())
        message = text[last.end() : end.start() if end else len(text)].strip()
        if last[1] == "final":
            return Reasoning(text[min(begin, last.start()) : last.start()].strip(), message, "think")
        return Reasoning(text[begin:].strip(), "", "think", closed=end is not None)
    if "analysis" in text[:40] and (flat := _FLAT_ANALYSIS.match(text)):
        final = text.rfind(_FLAT_FINAL)
        if final < 0:
            return Reasoning(text[flat.end() :].strip(), "", "think", closed=False)
        return Reasoning(text[flat.end() : final].strip(), text[final + len(_FLAT_FINAL) :].strip(), "think")
    return None


def render_reasoning(thought: str | None, answer: str, frame: Frame) -> str:
    """Put a thought and an answer into a frame; the words of neither are touched.

    See `completion_message` for solutions without a thought of their own.
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


def completion_message(thought: str | None, answer: str, text: str, frame: Frame | Literal["as_sampled"]) -> str:
    """Any solution as the assistant turn of a pair, in the frame asked for; its words stay as they are.

    A solution without a thought of its own is divided (`split_solution`): its working stands where a thought
    belongs and its last words are the answer, so that the frame alone does not tell chosen from rejected.
    "as_sampled" leaves the raw `text`.
    """
    if frame == "as_sampled":
        return text
    if thought is None and frame != "plain":
        thought, answer = split_solution(answer)
    return render_reasoning(thought, answer, frame)


def split_solution(solution: str) -> tuple[str, str]:
    """Divide a solution without markers into its working and its closing statement with the final answer.

    The closing statement is the last paragraph (from the one with the last box on) or, where that is most of the
    text, its last sentence. A cut never falls inside `$..$`, `\\[..\\]` or an environment, and the words that announce
    a formula ("... the answer is:") stay with it. Joining the two parts gives back every word.
    """
    solution = solution.strip()
    box = solution.rfind("\\boxed")
    end = box if box >= 0 else len(solution)
    positions, inside = _formulas(solution, end)
    for breaks, longest in ((_PARAGRAPH, len(solution) // 2), (_SENTENCE, len(solution))):
        for cut in reversed(list(breaks.finditer(solution, 0, end))):
            if inside[bisect_right(positions, cut.start()) - 1] or _announces(solution, cut.start()):
                continue
            if len(solution) - cut.end() <= longest:
                return solution[: cut.start()].rstrip(), solution[cut.end() :]
            break
    return "", solution


_PARAGRAPH = re.compile(r"\n\s*\n\s*")
_SENTENCE = re.compile(r"(?<!\s)\s*\n\s*|(?<=[.!?])\s+")
_LIST_NUMBER = re.compile(r"(?:^|\n)[ \t]*\(?\d{1,2}[.)]\s*$")
_MARKS = re.compile(r"\n\n|```|\\\\|\\\$|\$|\\[\[\]()]|\\begin\b|\\end\b")
_MONEY = re.compile(r"\$(?=\d[\d,]*(?:\.\d+)?(?:[^\d\w$\\]|$))")


def _announces(solution: str, at: int) -> bool:
    """Whether what comes next belongs to the words before: a formula they announce, or the item of a list number."""
    before = solution[max(0, at - 80) : at].rstrip()
    return before.endswith((":", ",", "=")) or _LIST_NUMBER.search(before) is not None


def _formulas(solution: str, end: int) -> tuple[list[int], list[bool]]:
    """Where formulas open and close: positions, and whether the text after each is inside one. Linear in the text.

    `$..$` ends with its paragraph, and an odd dollar sign before a number is an amount of money, not a formula.
    A fenced block of code counts as a formula too.
    """
    positions, inside = [0], [False]
    seen: Counter[str] = Counter()
    dollars = amounts = 0
    for mark in _MARKS.finditer(solution, 0, end):
        if mark[0] == "\n\n":
            dollars = amounts = 0
        elif mark[0] == "$":
            dollars += 1
            amounts += _MONEY.match(solution, mark.start()) is not None
        else:
            seen[mark[0]] += 1
        opened = seen["```"] % 2 == 1 or any(
            seen[f"\\{a}"] > seen[f"\\{b}"] for a, b in (("[", "]"), ("(", ")"), ("begin", "end"))
        )
        positions.append(mark.end())
        inside.append(opened or bool(dollars % 2 and (dollars - amounts) % 2))
    return positions, inside


_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*(?:\.[\w-]+)*)\}")
_COMMAND = re.compile(r"\\[A-Za-z]+(?:\{[^{}]*\})*$")
_COMMAND_CHARACTERS = 200  # how far before its argument a LaTeX command may begin


def placeholders(template: str) -> list[str]:
    """The names in braces, each once. The argument of a LaTeX command is none: `\\boxed{answer}`."""
    return list(dict.fromkeys(found[1] for found in _PLACEHOLDER.finditer(template) if not _is_argument(found)))


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders replaced, as far as `values` has them. What is put in is not looked at again.

    `{question}` is replaced also where it is the argument of a command.
    """

    def replaced(found: re.Match[str]) -> str:
        name = found[1]
        return values[name] if name in values and (name == "question" or not _is_argument(found)) else found[0]

    return _PLACEHOLDER.sub(replaced, template)


def _is_argument(found: re.Match[str]) -> bool:
    """Whether the braces belong to a LaTeX command before them."""
    before = found.string[max(0, found.start() - _COMMAND_CHARACTERS) : found.start()]
    return _COMMAND.search(before) is not None


@dataclass(frozen=True, slots=True)
class Shot:
    """A worked example of a prompt, with the columns that its placeholders need."""

    question: str
    answer: str
    columns: Mapping[str, str] = field(default_factory=dict)


def prompt_messages(
    system: str | None,
    user: str,
    question: str,
    *,
    columns: Mapping[str, str] | None = None,
    shots: Sequence[Shot] = (),
) -> list[Message]:
    """The messages of a prompt. `system` and `user` are templates with placeholders: `{question}`, and a name of
    `columns`. Each of `shots` is a turn of the user and one of the assistant before the question."""
    own = {**(columns or {}), "question": question}
    turns = [Message(role="system", content=fill(system, own))] if system else []
    for shot in shots:
        turns.append(Message(role="user", content=fill(user, {**shot.columns, "question": shot.question})))
        turns.append(Message(role="assistant", content=shot.answer))
    return [*turns, Message(role="user", content=fill(user, own))]


def render_prompt(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> str:
    """The prompt as text, ready for completion: through the chat template, or plain when there is none."""
    if getattr(tokenizer, "chat_template", None):
        rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return str(rendered)
    return plain_prompt(messages)


def plain_prompt(messages: list[Message]) -> str:
    """A prompt for a base model without a chat template; pair it with `PLAIN_STOPS`."""
    form = {"user": "Question: {}\n\nSolution:", "assistant": " {}\n\n"}
    return "".join(form.get(m["role"], "{}\n\n").replace("{}", m["content"]) for m in messages)


PLAIN_STOPS = ["\nQuestion:", "\n\nQuestion:", "\n\n\n"]


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(text):
        found = match
    return found
