"""Chat templates: whether they keep both sides of a pair as they are, and what helps where they do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pairforge.chat import THINK_OPEN, Frame, render_reasoning, split_reasoning
from pairforge.errors import TemplateError
from pairforge.records import Message
from pairforge.switches import template_alone

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class TemplateReport:
    """Whether a chat template renders an assistant turn as the student sees it when it samples.

    `family` names the template where it is a known one. `lost` says what differs (empty when nothing does) and
    `remedy` what to do; `training_template` is a template for the same model that has no such defect, where one is
    known.
    """

    ok: bool
    family: str
    lost: str = ""
    remedy: str = ""
    training_template: str | None = None


def check_template(tokenizer: PreTrainedTokenizerBase, prompt: list[Message], completion: str) -> TemplateReport:
    """Render one side of a pair as the trainer does, and compare it with what the student sees when it samples.

    Two defects invert or blunt a preference without an error. A template may delete the reasoning of an assistant
    turn: DeepSeek-R1-Distill's removes everything before `</think>`, so a long chosen side shrinks to its last
    paragraph. And the trained context may differ from the generation prompt: a template opens `<think>` for the
    student and not in the conversation, or inserts an empty thought; TRL then drops that end of the prompt.
    Raises `TemplateError` when the template cannot render the conversation at all.
    """
    template = getattr(tokenizer, "chat_template", None)
    if not isinstance(template, str):
        return TemplateReport(True, "none")
    family = template_family(template)
    lost = _defect(tokenizer, prompt, completion, template)
    if not lost:
        return TemplateReport(True, family)
    sampled = _generation_prompt(tokenizer, prompt, template)
    for candidate, origin in _training_templates(tokenizer, template):
        same_prompt = _generation_prompt(tokenizer, prompt, candidate) == sampled
        if same_prompt and not _defect(tokenizer, prompt, completion, candidate):
            return TemplateReport(False, family, lost, f"train with {origin}", candidate)
    remedy = "give the tokenizer a template that renders the whole assistant turn behind its generation prompt"
    templates = [(template, ""), *_training_templates(tokenizer, template)]
    for candidate, origin in templates:
        fitting = _fitting_formats(tokenizer, prompt, completion, candidate)
        if fitting and _generation_prompt(tokenizer, prompt, candidate) == sampled:
            remedy = f"set `format.frame` to {' or '.join(fitting)}" + (f" and train with {origin}" if origin else "")
            break
    return TemplateReport(False, family, lost, remedy)


def _fitting_formats(
    tokenizer: PreTrainedTokenizerBase, prompt: list[Message], completion: str, template: str
) -> list[str]:
    """The formats that a template renders without a defect."""
    parts = split_reasoning(completion)
    formats: tuple[Frame, ...] = ("think", "sky-t1", "bare")
    rendered = {name: render_reasoning(parts.thought, parts.answer, name) for name in formats}
    return [f"`{name}`" for name, text in rendered.items() if not _defect(tokenizer, prompt, text, template)]


_FAMILIES = {  # what only that family's templates say
    "deepseek": "<｜Assistant｜>",
    "qwen (ChatML)": "<|im_start|>",
    "llama 3": "<|start_header_id|>",
    "gemma": "<start_of_turn>",
    "phi": "<|assistant|>",
    "mistral": "[INST]",
}


def template_family(template: str | None) -> str:
    """The family of a chat template, by the turn markers it writes; "none" without one, "unknown" otherwise."""
    if not isinstance(template, str):
        return "none"
    return next((family for family, mark in _FAMILIES.items() if mark in template), "unknown")


def _generation_prompt(tokenizer: PreTrainedTokenizerBase, prompt: list[Message], template: str) -> str:
    """What the student continues when it samples."""
    return _apply(tokenizer, prompt, template, generation=True)


def _apply(tokenizer: PreTrainedTokenizerBase, turns: list[Message], template: str, *, generation: bool = False) -> str:
    try:
        rendered = tokenizer.apply_chat_template(
            turns, tokenize=False, chat_template=template, add_generation_prompt=generation
        )
    except Exception as error:  # jinja2 raises many classes, and templates raise their own
        hint = "some templates take no system turn: set `format.system: null`"
        raise TemplateError(f"the chat template cannot render a pair: {error}", hint=hint) from error
    return str(rendered)


def _defect(tokenizer: PreTrainedTokenizerBase, prompt: list[Message], completion: str, template: str) -> str:
    """How a rendered conversation differs from its generation prompt and completion; "" where it does not."""
    rendered = _apply(tokenizer, [*prompt, Message(role="assistant", content=completion)], template)
    parts = split_reasoning(completion)
    for what, words in (("the reasoning", parts.thought or ""), ("the answer", parts.answer)):
        if words and words not in rendered:
            share = f"{len(words)} characters" if what == "the reasoning" else repr(words[:40])
            return f"{what} of the assistant turn ({share}) is not in what the template renders"
    return _context_defect(_generation_prompt(tokenizer, prompt, template), rendered, completion)


def _context_defect(sampled: str, trained: str, completion: str) -> str:
    """How the text before a completion differs between sampling and training; "" if it does not."""
    if not trained.startswith(sampled):
        same = next((i for i, (a, b) in enumerate(zip(sampled, trained, strict=False)) if a != b), len(trained))
        return (
            f"the student samples behind {sampled[max(0, same - 12) :][-60:]!r}, and the training text lacks "
            f"{sampled[same:][:60]!r}"
        )
    first = _first_words(completion)
    at = trained.find(first, max(0, len(sampled) - len(_OPENING))) if first else -1
    inserted = trained[len(sampled) : at] if at > len(sampled) else ""
    if THINK_OPEN.sub("", inserted).strip():
        return f"the template inserts {inserted[:60]!r} between the generation prompt and the completion"
    return ""


_OPENING = "<|begin_of_thought|>"  # the longest opening that a generation prompt may already hold


def _first_words(completion: str) -> str:
    """The first words of a completion behind an opening of its thought."""
    return THINK_OPEN.sub("", completion, count=1).strip()[:40]


_CUTS_THOUGHT = re.compile(r"""\.split\(\s*(['"])</think>\1\s*\)\s*\[-1\](?:\.l?strip\([^)]*\)|\s*\|\s*trim)?""")


def _training_templates(tokenizer: PreTrainedTokenizerBase, template: str) -> Iterator[tuple[str, str]]:
    """Templates for the same model that may keep the reasoning: TRL's, then the model's own without the cut. They have
    the same switches."""
    switches, own = template_alone(template)
    shipped = _trl_template(tokenizer, own)
    if shipped:
        yield switches + shipped, "TRL's training template for this model (`trl.chat_template_utils`)"
    if _CUTS_THOUGHT.search(own):
        yield switches + _CUTS_THOUGHT.sub("", own), "the model's own template without the cut at </think>"


def _trl_template(tokenizer: PreTrainedTokenizerBase, own: str) -> str | None:
    """TRL's template for a model that has this one; None where TRL is not installed, or knows none."""
    before, tokenizer.chat_template = tokenizer.chat_template, own  # TRL knows a template by its exact text
    try:
        from trl.chat_template_utils import get_training_chat_template

        return get_training_chat_template(tokenizer)
    except (ImportError, ValueError):
        return None
    finally:
        tokenizer.chat_template = before
