"""The sampler's side of a recipe: its tokenizer, its context, and the prompts it sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from pairforge import chat, demo, lengths
from pairforge.errors import EngineError, RecipeError, SourceError
from pairforge.generator.config import GeneratorConfig, prompt_columns
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


def sampler_prompt(block: GeneratorConfig, question: str, meta: Mapping[str, Any] | None = None) -> list[Message]:
    """The prompt the sampler sees. `meta` holds the source's columns that the prompt may name."""
    prompt = block.prompt
    shots = [example.shot for example in prompt.examples]
    columns = prompt_columns(meta or {}) if prompt.columns else None
    return chat.prompt_messages(prompt.system, prompt.user, question, columns=columns, shots=shots)


def require_columns(block: GeneratorConfig, problems: Iterable[Problem], *, key: str) -> None:
    """Raise `RecipeError` when a problem lacks a column that the prompt names; `key` is the arm's key in the recipe."""
    names, there, missing, total = block.prompt.columns, set[str](), Counter[str](), 0
    if not names:
        return
    for total, problem in enumerate(problems, start=1):  # noqa: B007  how many there are
        own = prompt_columns(problem.meta)
        there |= own.keys()
        missing.update(name for name in names if name not in own)
    if missing:
        name, count = missing.most_common(1)[0]
        known = f"the sources have {', '.join(sorted(there))}" if there else "the sources have no columns of their own"
        raise RecipeError(f"{key}.prompt: {count:,} of {total:,} problems have no {name}, which it names", hint=known)


def rendered_prompts(
    block: GeneratorConfig, problems: Iterable[Problem], sampler: PreTrainedTokenizerBase | None
) -> Iterator[tuple[Problem, str, int]]:
    """Each problem with the sampler's prompt, up to where it begins to write, and its length; 0 tokens where only the
    server has the tokenizer."""
    iterator = iter(problems)
    while batch := list(islice(iterator, 1000)):
        turns = [sampler_prompt(block, problem.question, problem.meta) for problem in batch]
        if sampler is None:
            yield from ((problem, chat.plain_prompt(t), 0) for problem, t in zip(batch, turns, strict=True))
            continue
        texts = [chat.render_prompt(sampler, t) + block.prompt.prefix for t in turns]
        yield from zip(batch, texts, lengths.count_tokens(sampler, texts), strict=True)
