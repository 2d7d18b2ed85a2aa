"""Template switches reach whatever renders with a tokenizer, whoever that is."""

import inspect
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from pairforge.chat import PromptConfig, render_prompt
from pairforge.errors import TemplateError
from pairforge.lengths import count_lengths, tokenizer_digest
from pairforge.switches import ARGUMENTS, literal, names_read, set_switches, switches_of, template_alone, with_switches
from pairforge.templates import check_template
from tests.test_lengths import CHATML, tokenizer
from tests.test_templates import shipped

# A hybrid model's template in our words: it closes the thought itself where thinking is switched off.
HYBRID = CHATML.replace(
    "assistant\n{% endif %}",
    "assistant\n{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}",
)
PROMPT = [{"role": "user", "content": "Two and two?"}]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def with_template(template: str | None, **switches: object):
    made = tokenizer(258, template)
    set_switches(made, switches, key="format.template_kwargs")
    return made


def test_a_switch_changes_the_prompt():
    assert "</think>" not in render_prompt(with_template(HYBRID), PROMPT)
    assert render_prompt(with_template(HYBRID, enable_thinking=False), PROMPT).endswith("<think>\n\n</think>\n\n")


@pytest.mark.parametrize("name", ["qwen3", "qwen3_5_think"])
def test_it_renders_what_transformers_renders_with_the_same_switch(name):
    own = tokenizer(258, shipped(name))
    direct = own.apply_chat_template(PROMPT, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    assert direct == render_prompt(with_template(shipped(name), enable_thinking=False), PROMPT)


def test_lengths_and_the_identity_of_the_tokenizer_see_the_switch():
    plain, switched = with_template(HYBRID), with_template(HYBRID, enable_thinking=False)
    rows = [("a", PROMPT, "four")]
    (_, before, _), (_, after, _) = *count_lengths(plain, rows), *count_lengths(switched, rows)
    assert before == after  # the conversation has no such thought: the completion starts where the two part
    assert tokenizer_digest(plain) != tokenizer_digest(switched)


def test_the_template_guard_sees_the_switch():
    assert check_template(with_template(HYBRID), PROMPT, "four").ok
    report = check_template(with_template(HYBRID, enable_thinking=False), PROMPT, "four")
    assert not report.ok and "the training text lacks" in report.lost


def test_a_training_template_keeps_the_switches():
    """TRL knows a template by its text, so it is asked without them."""
    r1 = shipped("deepseek_r1_distill")
    made = with_template("{% if loud %}!{% endif %}" + r1, loud=True)
    before = made.chat_template
    report = check_template(made, PROMPT, "<think>\nfour\n</think>\n\nfour")
    assert made.chat_template == before
    assert report.training_template.startswith("{% set loud = true %}")
    exact = tokenizer(258, with_switches(r1, {"loud": True}))
    assert "TRL's training template" in check_template(exact, PROMPT, "<think>\nfour\n</think>\n\nfour").remedy


SHOWS = tokenizer(258, "{{ x | tojson }}")


@given(JSON)
def test_a_value_arrives_as_it_was_written(value):
    expected = SHOWS.apply_chat_template(PROMPT, tokenize=False, x=value)
    template = with_switches(SHOWS.chat_template, {"x": value})
    assert SHOWS.apply_chat_template(PROMPT, tokenize=False, chat_template=template) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1: 2}, {"a": {3}}])
def test_a_value_that_is_no_json_is_refused(value):
    with pytest.raises(ValueError, match="no JSON value"):
        literal(value)


def test_switches_can_be_replaced_and_taken_away():
    once = with_switches(HYBRID, {"enable_thinking": False})
    assert template_alone(once)[1] == HYBRID
    assert with_switches(once, {}) == HYBRID
    assert with_switches(once, {"effort": "low"}) == with_switches(HYBRID, {"effort": "low"})


def test_every_argument_of_transformers_is_refused_as_a_switch():
    arguments = inspect.signature(PreTrainedTokenizerBase.apply_chat_template).parameters.keys()
    assert arguments - {"self", "kwargs"} <= ARGUMENTS
    for name in sorted(ARGUMENTS):
        with pytest.raises(ValueError, match="an argument of apply_chat_template"):
            PromptConfig(template_kwargs={name: True})


@pytest.mark.parametrize("name", ["a b", "1st", "x %}{{ 7 }}{% set y", "raise_exception", "for", "True", ""])
def test_a_name_that_would_be_code_is_refused(name):
    with pytest.raises(ValueError, match="cannot be the name"):
        PromptConfig(template_kwargs={name: True})


def test_a_switch_that_the_template_never_reads_is_refused_with_those_it_reads():
    with pytest.raises(TemplateError) as caught:
        with_template(HYBRID, reasoning_effort="high")
    assert caught.value.message.startswith("format.template_kwargs.reasoning_effort: ")
    assert "it reads enable_thinking" in caught.value.hint
    with pytest.raises(TemplateError, match="did you mean 'enable_thinking'"):
        with_template(HYBRID, enable_thinkin=False)
    with pytest.raises(TemplateError, match="no chat template"):
        with_template(None, enable_thinking=False)


def test_a_dataset_cannot_put_code_into_a_template():
    """Its column `chat_template_kwargs` names switches too."""
    with pytest.raises(TemplateError, match="cannot be the name"):
        with_template(HYBRID, **{"x = 1 %}{{ messages }}{% set y": 1})
    with pytest.raises(TemplateError, match="no JSON value"):
        with_template(HYBRID, enable_thinking=object())


def test_a_server_may_have_another_template():
    made = tokenizer(258, None)
    set_switches(made, {"enable_thinking": False}, key="k", strict=False)
    assert made.chat_template is None


def test_names_are_read_also_of_a_template_that_does_not_parse():
    assert "enable_thinking" in names_read("{% if enable_thinking %}")
    assert switches_of("{% if enable_thinking %}") == set()
    assert switches_of(shipped("qwen3")) == {"enable_thinking"}


def test_a_tokenizer_with_several_templates_has_the_switch_in_each():
    made = with_template(None)
    made.chat_template = {"default": HYBRID, "tool_use": HYBRID}
    set_switches(made, {"enable_thinking": False}, key="k")
    assert "</think>" in made.apply_chat_template(
        PROMPT, tokenize=False, add_generation_prompt=True, chat_template="tool_use"
    )
