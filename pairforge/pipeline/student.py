"""The student's side of a recipe: its tokenizer, its prompt, and solutions in the format it is trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pairforge import chat, demo, lengths
from pairforge.chat import FormatConfig
from pairforge.errors import TemplateError
from pairforge.recipe import Recipe
from pairforge.records import Message, Sample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Format = chat.Frame | Literal["as_sampled"]
"""How the reasoning is marked in a completion; `as_sampled` keeps the raw text."""


def load_student(recipe: Recipe) -> PreTrainedTokenizerBase:
    """The tokenizer that decides every length, with the chat template that the student is trained with.

    Raises `TemplateError` when that template deletes the reasoning of the pairs: training on them would silently prefer
    the shorter side, and every length would be wrong.
    """
    tokenizer = lengths.load_tokenizer(demo.resolve(recipe.filter.tokenizer), recipe.filter.revision)
    text = chat.render_reasoning("Some reasoning.", "The answer is \\boxed{1}.", recipe.format.frame)
    report = chat.check_template(tokenizer, student_prompt(recipe.format, "A question?"), text)
    if report.ok:
        return tokenizer
    if report.training_template and recipe.filter.chat_template == "training":
        tokenizer.chat_template = report.training_template
        return tokenizer
    opt_in = "`filter.chat_template: training` counts with it too; " if report.training_template else ""
    raise TemplateError(
        f"{recipe.filter.tokenizer}, chat template of the {report.family} family: {report.lost}",
        hint=f"{report.remedy}. {opt_in}`format.frame: sky-t1` or `bare` also survives",
    )


def student_prompt(block: FormatConfig, question: str) -> list[Message]:
    """The prompt of a pair."""
    return chat.prompt_messages(block.system, block.user, question)


def formats_of(block: FormatConfig) -> tuple[Format, Format]:
    """The formats of the chosen and of the rejected side."""
    return block.frame, block.frame if block.rejected_frame == "same" else block.rejected_frame


def completion(sample: Sample, form: Format) -> str:
    """A sample's text in the given format."""
    return chat.completion_message(sample.thought, sample.answer_text, sample.text, form)
