"""The sampler's side of a recipe: its tokenizer, its context, and the prompts it sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from pairforge import chat, demo, lengths
from pairforge.errors import EngineError, SourceError
from pairforge.generator.config import GeneratorConfig
from pairforge.generator.engines.vllm import context_tokens
from pairforge.records import Message, Problem
from pairforge.switches import set_switches

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

UNKNOWN_CONTEXT = 10**9  # only the server knows it, and refuses what is too long, each request for itself


def load_sampler(block: GeneratorConfig) -> PreTrainedTokenizerBase | None:
    """The sampler's tokenizer, with the recipe's template switches; None where only its server has one.

    Raises `TemplateError` for a switch that its chat template does not have, but not where a server renders the prompt:
    it may have another template.
    """
    on_server = block.engine.kind == "server" and block.engine.api == "chat"
    try:
        tokenizer = lengths.load_tokenizer(demo.resolve(block.engine.model), block.engine.revision)
    except SourceError:
        if on_server:
            return None
        raise
    set_switches(tokenizer, block.prompt.template_kwargs, key="generator.prompt.template_kwargs", strict=not on_server)
    return tokenizer


def sampler_context(block: GeneratorConfig) -> int:
    """How many tokens prompt and solution may have together. Raises `EngineError` where the model does not say."""
    engine = block.engine
    if engine.max_model_len is not None:
        return engine.max_model_len
    try:
        return context_tokens(demo.resolve(engine.model), engine.revision, engine.trust_remote_code)
    except (OSError, ValueError, AttributeError) as error:
        if engine.kind == "server":
            return UNKNOWN_CONTEXT
        reason = str(error).splitlines()[0]
        raise EngineError(
            f"the context length of '{engine.model}' cannot be read from its config.json: {reason}",
            hint="set generator.engine.max_model_len, or trust_remote_code where the model brings its own code",
        ) from error


def stop_strings(block: GeneratorConfig, sampler: PreTrainedTokenizerBase | None) -> tuple[str, ...]:
    """The recipe's stop strings; a model without a chat template also stops where it would ask the next question."""
    own = block.sampling.stop
    if sampler is None or getattr(sampler, "chat_template", None):
        return own
    return (*own, *chat.PLAIN_STOPS)


def sampler_prompt(block: GeneratorConfig, question: str) -> list[Message]:
    """The prompt the sampler sees."""
    return chat.prompt_messages(block.prompt.system, block.prompt.user, question)


def rendered_prompts(
    block: GeneratorConfig, problems: Iterable[Problem], sampler: PreTrainedTokenizerBase | None
) -> Iterator[tuple[Problem, str, int]]:
    """Each problem with the sampler's prompt and its length; 0 tokens where only the server has the tokenizer."""
    iterator = iter(problems)
    while batch := list(islice(iterator, 1000)):
        turns = [sampler_prompt(block, problem.question) for problem in batch]
        if sampler is None:
            yield from ((problem, chat.plain_prompt(t), 0) for problem, t in zip(batch, turns, strict=True))
            continue
        texts = [chat.render_prompt(sampler, t) for t in turns]
        yield from zip(batch, texts, lengths.count_tokens(sampler, texts), strict=True)
