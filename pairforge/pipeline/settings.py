"""A recipe taken apart: the plain values that the stages hand to the layers below."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from pairforge import chat, demo, lengths
from pairforge.config import flatten
from pairforge.errors import TemplateError
from pairforge.recipe import Recipe, parse_recipe
from pairforge.records import Message, Sample
from pairforge.run import Run
from pairforge.verifier import Verifier

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Progress = Callable[[str, int, int | None, str], None]
"""Called as progress(stage, done, total or None, note) while a stage works; it draws, or does nothing."""

AnyFrame = chat.Frame | Literal["as_sampled"]


def quiet(stage: str, done: int, total: int | None, note: str) -> None:
    """A `Progress` that shows nothing."""


def run_recipe(run: Run, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe a run was made with, with overrides."""
    return parse_recipe(run.recipe_file.read_text(), overrides, name=str(run.recipe_file), stored=True)


def evidence_settings(recipe: Recipe) -> dict[str, Any]:
    """The settings that decide what the evidence is, as key paths: sources and sampling, no rule and no hardware."""
    raw = recipe.model_dump(mode="json")
    kept = {name: raw[name] for name in ("seed", "sources", "decontaminate")}
    if raw["generator"]:
        block = raw["generator"]
        engine = {name: block["engine"][name] for name in ("model", "revision", "quantization")}
        kept["generator"] = {**block, "engine": engine}
    return flatten(kept)


def open_verifier(recipe: Recipe, run: Run) -> Verifier:
    """The recipe's verifier, with the run's own cache of decisions."""
    block = recipe.verifier
    workers = None if block.workers == "auto" else block.workers
    return Verifier(workers=workers, timeout_s=block.timeout_s, cache=run.verifier_cache)


def prompt(recipe: Recipe, question: str) -> list[Message]:
    """A pair's prompt, as the student sees it."""
    return chat.prompt_messages(recipe.format.system, recipe.format.user, question)


def student(recipe: Recipe) -> PreTrainedTokenizerBase:
    """The tokenizer that decides every length, with the chat template that the student is trained with.

    Raises `TemplateError` when that template would delete the reasoning of the pairs: trained on, they would prefer
    the shorter side. The preference would invert without a word, and every length be wrong.
    """
    tokenizer = lengths.load_tokenizer(demo.resolve(recipe.filter.tokenizer), recipe.filter.revision)
    framed = chat.render_reasoning("Some reasoning.", "The answer is \\boxed{1}.", recipe.format.frame)
    report = chat.check_template(tokenizer, prompt(recipe, "A question?"), framed)
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


def sampler_prompt(recipe: Recipe, question: str) -> list[Message]:
    """The prompt the sampler sees (the student's where nothing is sampled)."""
    block = recipe.generator.prompt if recipe.generator else recipe.format
    return chat.prompt_messages(block.system, block.user, question)


def frames(recipe: Recipe) -> tuple[AnyFrame, AnyFrame]:
    """The frames of the chosen and of the rejected side."""
    block = recipe.format
    return block.frame, block.frame if block.rejected_frame == "same" else block.rejected_frame


def completion(sample: Sample, frame: AnyFrame) -> str:
    """A sample's text in the given frame."""
    return chat.completion_message(sample.thought, sample.answer_text, sample.text, frame)
