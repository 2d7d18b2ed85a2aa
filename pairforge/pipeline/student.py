"""The student's side of a recipe: its tokenizer, its prompt, and solutions in the format it is trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pairforge import chat, demo, lengths, templates
from pairforge.chat import FormatConfig
from pairforge.errors import TemplateError
from pairforge.recipe import Recipe
from pairforge.records import Message, Sample
from pairforge.switches import set_switches

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Format = chat.Frame | Literal["as_sampled"]
"""How the reasoning is marked in a completion; `as_sampled` keeps the raw text."""


def load_student(recipe: Recipe) -> PreTrainedTokenizerBase:
    """The tokenizer that decides every length, with the chat template and switches that the student is trained with.

    Raises `TemplateError` when that template would delete the reasoning of a side, or train it behind another prompt
    than the student samples from: the preference would invert or blur without an error, and every length be wrong.
    Raises it also for a switch that the template does not have.
    """
    tokenizer = lengths.load_tokenizer(demo.resolve(recipe.filter.tokenizer), recipe.filter.revision)
    set_switches(tokenizer, recipe.format.template_kwargs, key="format.template_kwargs")
    report = _first_defect(tokenizer, recipe.format)
    if report is None:
        return tokenizer
    if report.training_template and recipe.filter.chat_template == "training":
        tokenizer.chat_template = report.training_template
        report = _first_defect(tokenizer, recipe.format)
        if report is None:
            return tokenizer
    opt_in = ". `filter.chat_template: training` counts with it too" if report.training_template else ""
    raise TemplateError(
        f"{recipe.filter.tokenizer}, chat template of the {report.family} family: {report.lost}",
        hint=f"{report.remedy}{opt_in}",
    )


def _first_defect(tokenizer: PreTrainedTokenizerBase, block: FormatConfig) -> templates.TemplateReport | None:
    """What the template does to one of the kinds of sides that the format makes; None where it keeps them all."""
    prompt = student_prompt(block, "A question?")
    answer = "The answer is \\boxed{1}."
    for form in dict.fromkeys(formats_of(block)):
        for thought in ("Some reasoning.", None):
            text = chat.completion_message(thought, f"Some working.\n\n{answer}", f"Some working. {answer}", form)
            report = templates.check_template(tokenizer, prompt, text)
            if not report.ok:
                return report
    return None


def student_prompt(block: FormatConfig, question: str) -> list[Message]:
    """The prompt of a pair."""
    return chat.prompt_messages(block.system, block.user, question)


def formats_of(block: FormatConfig) -> tuple[Format, Format]:
    """The formats of the chosen and of the rejected side."""
    return block.frame, block.frame if block.rejected_frame == "same" else block.rejected_frame


def completion(sample: Sample, form: Format) -> str:
    """A sample's text in the given format."""
    return chat.completion_message(sample.thought, sample.answer_text, sample.text, form)
