"""Token counts as the trainer will see them: the student's tokenizer and chat template decide every length."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pairforge.chat import plain_prompt
from pairforge.errors import SourceError, TemplateError
from pairforge.records import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Row = tuple[str, list[Message], str]
BATCH_CHARACTERS = 4_000_000  # bounds the memory of a batch whatever the lengths: about 1M tokens


def load_tokenizer(name_or_path: str, revision: str | None = None) -> PreTrainedTokenizerBase:
    """A tokenizer by Hub id or local folder. Code that ships with a model is never executed.

    Raises `SourceError` when there is none.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(name_or_path, revision=revision)
    except Exception as error:  # a wrong path, a missing file, a network failure: transformers has many classes
        hint = "give a Hub id or the folder of a model; its tokenizer files are enough"
        raise SourceError(f"no tokenizer at '{name_or_path}': {str(error).splitlines()[0]}", hint=hint) from error
    return tokenizer


def count_lengths(tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row]) -> Iterator[tuple[str, int, int]]:
    """Count tokens of (key, prompt messages, completion text) as (key, prompt_tokens, completion_tokens), in order.

    Counts what TRL's DPOTrainer trains on: the prompt rendered with the generation prompt, the completion with its
    end of turn. Where the conversation does not start with the rendered prompt, the completion starts where the
    tokens diverge, as in TRL. A tokenizer without a chat template counts the plain prompt and text plus end token.
    """
    for key, ids, prompt_tokens in trained_ids(tokenizer, rows):
        yield key, prompt_tokens, len(ids) - prompt_tokens


def trained_ids(
    tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row], *, read_by: PreTrainedTokenizerBase | None = None
) -> Iterator[tuple[str, list[int], int]]:
    """The tokens that `count_lengths` counts, as (key, prompt and completion ids, number of prompt ids), in order.

    `read_by` is the tokenizer of another model that reads the texts as `tokenizer` renders them.
    """
    reader = read_by or tokenizer
    special = not getattr(tokenizer, "chat_template", None)  # a template writes the special tokens itself
    for batch in _batches(rows):
        prompts = {_prompt_key(messages): messages for _, messages, _ in batch}
        rendered = [_render(tokenizer, messages) for messages in prompts.values()]
        prompt_ids = dict(zip(prompts, _encode(reader, rendered, special), strict=True))
        whole = _encode(reader, [_render(tokenizer, messages, text) for _, messages, text in batch], special)
        for (key, messages, _), ids in zip(batch, whole, strict=True):
            yield key, ids, _common_prefix(prompt_ids[_prompt_key(messages)], ids)


def count_tokens(tokenizer: PreTrainedTokenizerBase, rendered: list[str]) -> list[int]:
    """The tokens of texts that a chat template has rendered already, so that it wrote the special ones itself."""
    return [len(ids) for ids in _encode(tokenizer, rendered, special=False)]


def tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """16 hex digits that identify what decides a length: vocabulary, merges, special tokens and chat template."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    content = backend.to_str() if backend is not None else repr(sorted(tokenizer.get_vocab().items()))
    text = "\n".join([content, str(tokenizer.chat_template), str(tokenizer.eos_token)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += len(row[2]) + sum(len(m["content"]) for m in row[1])
        if characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _prompt_key(messages: list[Message]) -> tuple[tuple[str, str], ...]:
    return tuple((m["role"], m["content"]) for m in messages)


def _render(tokenizer: PreTrainedTokenizerBase, prompt: list[Message], completion: str | None = None) -> str:
    """The text that is tokenised: prompt with generation prompt, or prompt and completion as one conversation."""
    if not getattr(tokenizer, "chat_template", None):
        end = tokenizer.eos_token or ""
        return plain_prompt(prompt) if completion is None else f"{plain_prompt(prompt)} {completion}{end}"
    turns = prompt if completion is None else [*prompt, Message(role="assistant", content=completion)]
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=completion is None))
    except Exception as error:  # jinja2 raises many classes, and templates raise their own
        hint = "some templates take no system turn: set `format.system: null`"
        raise TemplateError(f"the chat template cannot render a conversation: {error}", hint=hint) from error


def _encode(tokenizer: PreTrainedTokenizerBase, texts: list[str], special: bool) -> list[list[int]]:
    """Token ids of rendered texts, on all cores where the tokenizer can."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return [tokenizer(text, add_special_tokens=special)["input_ids"] for text in texts]
    backend.no_truncation()
    backend.no_padding()
    return [encoding.ids for encoding in backend.encode_batch_fast(texts, add_special_tokens=special)]


def _common_prefix(prompt: list[int], whole: list[int]) -> int:
    if whole[: len(prompt)] == prompt:
        return len(prompt)
    return next(i for i, (a, b) in enumerate(zip([*prompt, None], [*whole, None], strict=False)) if a != b)
