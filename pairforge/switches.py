"""Template switches: what a recipe sets in a model's chat template, for example `enable_thinking: false`.

The switches are written in front of the template itself. Whatever renders with that tokenizer then sees the same ones:
the sampler's prompt, the length count, the template guard, TRL's trainers.
"""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import meta, nodes

from pairforge.errors import TemplateError, nearest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ARGUMENTS = {  # of transformers' `apply_chat_template`: they say how it renders, not what the template is told
    "conversation", "messages", "tools", "documents", "chat_template", "add_generation_prompt",
    "continue_final_message", "tokenize", "padding", "truncation", "max_length", "return_tensors", "return_dict",
    "return_assistant_tokens_mask", "tokenizer_kwargs",
}  # fmt: skip
GLOBALS = {"raise_exception", "strftime_now", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "loop"}
_JINJA_WORDS = {"true", "false", "none", "if", "for", "set", "block", "macro", "call", "filter"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MARK = "{# template switches #}\n"
_TRACKING = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")  # transformers' own tag, unknown to plain Jinja


def check_switches(switches: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a name that cannot be a switch, and for a value that no template can be given."""
    for name, value in switches.items():
        if name in ARGUMENTS:
            raise ValueError(f"'{name}' is an argument of apply_chat_template, which pairforge sets itself")
        if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in GLOBALS | _JINJA_WORDS:
            raise ValueError(f"'{name}' cannot be the name of a template switch")
        literal(value)


def set_switches(
    tokenizer: PreTrainedTokenizerBase, switches: Mapping[str, Any], *, key: str, strict: bool = True
) -> None:
    """Write switches in front of the tokenizer's chat template.

    `key` is the recipe's key, for errors. Raises `TemplateError` for a switch that cannot be one; with `strict`, also
    for one that the template never reads, and for any where there is no template: it could have no effect.
    """
    if not switches:
        return
    try:
        check_switches(switches)
    except ValueError as error:
        raise TemplateError(f"{key}: {error}") from None
    template = getattr(tokenizer, "chat_template", None)
    if strict and not template:
        raise TemplateError(
            f"{key}: the model has no chat template, so {', '.join(switches)} can have no effect",
            hint=f"remove {key}, or use a model with a chat template",
        )
    unread = [name for name in switches if name not in names_read(template)]
    if strict and unread:
        known = switches_of(template)
        shown = f"it reads {', '.join(sorted(known))}" if known else "it reads none"
        raise TemplateError(
            f"{key}.{unread[0]}: the model's chat template never reads '{unread[0]}'",
            hint=f"{nearest(unread[0], known, otherwise=shown)}; remove the key, or use a model with such a switch",
        )
    if isinstance(template, str):
        tokenizer.chat_template = with_switches(template, switches)
    elif isinstance(template, dict):
        tokenizer.chat_template = {name: with_switches(own, switches) for name, own in template.items()}


def with_switches(template: str, switches: Mapping[str, Any]) -> str:
    """The template with these switches in front, in place of those that stand there."""
    own = template_alone(template)[1]
    settings = "".join(f"{{% set {name} = {literal(value)} %}}" for name, value in switches.items())
    return f"{settings}{_MARK}{own}" if switches else own


def template_alone(template: str) -> tuple[str, str]:
    """What `with_switches` wrote in front of a template ("" for nothing), and the template itself."""
    head, mark, own = template.partition(_MARK)
    return (head + mark, own) if mark else ("", template)


def names_read(template: Any) -> set[str]:
    """Every name that a template reads, its own loop variables included; empty without a template."""
    found: set[str] = set()
    for text in _texts(template):
        try:
            found |= {node.name for node in _parse(text).find_all(nodes.Name) if node.ctx == "load"}
        except jinja2.TemplateError:  # whoever renders it says so
            found |= set(_NAME.findall(text))
    return found


def switches_of(template: Any) -> set[str]:
    """The names that a template expects from outside, without the usual ones: its switches.

    A name that it also sets itself counts where it asks whether the name is defined.
    """
    found: set[str] = set()
    for text in _texts(template):
        try:
            parsed = _parse(text)
        except jinja2.TemplateError:
            continue
        own = {node.name for node in parsed.find_all(nodes.Name) if node.ctx == "store"}
        asked = {getattr(node.node, "name", "") for node in parsed.find_all(nodes.Test) if node.name == "defined"}
        found |= meta.find_undeclared_variables(parsed) - (own - asked)
    return {name for name in found - ARGUMENTS - GLOBALS if not name.endswith("_token")}


def literal(value: Any) -> str:
    """A JSON value as Jinja writes it. Raises `ValueError` for anything else."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(literal(inner) for inner in value)}]"
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return f"{{{', '.join(f'{literal(name)}: {literal(inner)}' for name, inner in value.items())}}}"
    raise ValueError(f"{value!r} is no JSON value, so a chat template cannot be given it")


def _texts(template: Any) -> list[str]:
    """The texts of a template, which may be several by name."""
    if isinstance(template, dict):
        return [text for text in template.values() if isinstance(text, str)]
    return [template_alone(template)[1]] if isinstance(template, str) else []


def _parse(text: str) -> nodes.Template:
    environment = jinja2.Environment(extensions=["jinja2.ext.loopcontrols"])
    return environment.parse(_TRACKING.sub("", text))
