"""Lengths are the trainer's lengths: compared with what TRL itself tokenises."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from pairforge.errors import SourceError, TemplateError
from pairforge.lengths import count_lengths, load_tokenizer, tokenizer_digest

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# The prompt alone ends in a think tag that the conversation does not have: the completion starts where they part.
PREFILLS = CHATML.replace("assistant\n{% endif", "assistant\n<think>\n{% endif")


def tokenizer(vocabulary: int, template: str | None = CHATML) -> PreTrainedTokenizerFast:
    """A tiny tokenizer of our own; two of different vocabulary sizes count differently."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    marks = ["<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    corpus = ["the answer is twenty four because four times six is twenty four"] * 3
    inner.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=marks, initial_alphabet=alphabet, show_progress=False
        ),
    )
    made = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<|im_start|>", eos_token="<|im_end|>")
    made.chat_template = template
    return made


PROMPT = [{"role": "system", "content": "Think."}, {"role": "user", "content": "Four times six?"}]
ROWS = [
    ("a", PROMPT, "<think>\nfour times six is twenty four\n</think>\n\nthe answer is \\boxed{24} ✓"),
    ("b", PROMPT, "twenty four"),
    ("c", PROMPT[1:], ""),
]


def as_trl_counts(tok: PreTrainedTokenizerFast) -> list[tuple[str, int, int]]:
    from trl.data_utils import _tokenize, common_prefix_length

    counts = []
    for key, prompt, text in ROWS:
        alone = _tokenize(tok, prompt, add_generation_prompt=True)["input_ids"]
        whole = _tokenize(tok, [*prompt, {"role": "assistant", "content": text}])["input_ids"]
        prefix = common_prefix_length(alone, whole)
        counts.append((key, prefix, len(whole) - prefix))
    return counts


@pytest.mark.parametrize("template", [CHATML, PREFILLS])
@pytest.mark.parametrize("vocabulary", [258, 320])
def test_counts_are_those_of_the_trainer(vocabulary, template):
    tok = tokenizer(vocabulary, template)
    assert list(count_lengths(tok, ROWS)) == as_trl_counts(tok)


def test_another_tokenizer_counts_differently():
    small, large = (list(count_lengths(tokenizer(size), ROWS)) for size in (258, 320))
    assert small[0][2] > large[0][2]
    assert tokenizer_digest(tokenizer(258)) == tokenizer_digest(tokenizer(258)) != tokenizer_digest(tokenizer(320))
    assert tokenizer_digest(tokenizer(258)) != tokenizer_digest(tokenizer(258, PREFILLS))


def test_batches_keep_the_order(monkeypatch):
    monkeypatch.setattr("pairforge.lengths.BATCH_CHARACTERS", 40)
    tok = tokenizer(258)
    assert list(count_lengths(tok, iter(ROWS))) == as_trl_counts(tok)


def test_a_tokenizer_without_a_template_counts_the_plain_prompt_and_the_end_token():
    tok = tokenizer(258, None)
    [(_, prompt_tokens, completion_tokens)] = count_lengths(tok, [("b", PROMPT, "four")])
    assert prompt_tokens == len(tok("Think.\n\nQuestion: Four times six?\n\nSolution:")["input_ids"])
    assert completion_tokens == len(tok(" four<|im_end|>")["input_ids"])


def test_a_template_that_refuses_a_role_is_a_clear_error():
    tok = tokenizer(258, "{{ raise_exception('no system turn') }}")
    with pytest.raises(TemplateError, match="no system turn"):
        list(count_lengths(tok, ROWS))


def test_a_missing_tokenizer_says_where_it_was_sought(tmp_path):
    with pytest.raises(SourceError, match="no tokenizer at"):
        load_tokenizer(str(tmp_path))


def test_a_saved_tokenizer_loads_again(tmp_path):
    tokenizer(258).save_pretrained(tmp_path)
    assert list(count_lengths(load_tokenizer(str(tmp_path)), ROWS)) == as_trl_counts(tokenizer(258))
