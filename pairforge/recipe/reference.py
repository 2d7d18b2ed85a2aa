"""What a recipe may hold, for readers and for editors: a Markdown reference and a JSON schema, made from the models."""

from __future__ import annotations

import inspect
import json
import types
import typing
from typing import Any

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pairforge.recipe.blocks import Recipe
from pairforge.recipe.keys import Key, leaf_keys

INTRODUCTION = """\
# Recipe reference

Every key of a recipe. `pairforge schema --markdown` writes this page from the models that read recipes; do not edit it
by hand. `sources[]` stands for each entry of a list, `<name>` for a name of your choice. A key without a default must
be given. An unknown key is refused with the nearest known one, and any key can be overridden on the command line:
`--set generator.draws.max=4`, `--set sources.0.limit=100`.

`pairforge schema -o recipe.schema.json` writes a JSON schema. With it an editor completes and checks keys; name it in
the first line of a recipe: `# yaml-language-server: $schema=recipe.schema.json`.
"""
WORDS = {str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null", Any: "any value"}
BOUNDS: tuple[tuple[type, str, str], ...] = (
    (annotated_types.Ge, "ge", "at least"),
    (annotated_types.Gt, "gt", "above"),
    (annotated_types.Le, "le", "at most"),
    (annotated_types.Lt, "lt", "below"),
    (annotated_types.MinLen, "min_length", "entries: at least"),
)


def json_schema() -> str:
    """The JSON schema of a recipe, as text."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}
    schema["title"] = "pairforge recipe"
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def markdown() -> str:
    """The reference of all keys: a section for each block, with a table of its keys."""
    sections: dict[str, list[Key]] = {}
    for key in leaf_keys():
        parts = key.path.split(".")[:-1]
        for depth in range(len(parts) + 1):  # a block comes before the blocks in it
            sections.setdefault(".".join(parts[:depth]), [])
        sections[".".join(parts)].append(key)
    return "\n".join([INTRODUCTION, *(section(path, keys) for path, keys in sections.items() if keys)])


def section(path: str, keys: list[Key]) -> str:
    """One block: what it is, and its keys."""
    by_path: dict[str, list[Key]] = {}
    for key in keys:
        by_path.setdefault(key.path, []).append(key)
    kinds = list(dict.fromkeys(key.kind for key in keys))
    head = ["key", "type", "default", "meaning"]
    rows = [row(same) for same in by_path.values()]
    if len(kinds) > 1:  # one column more: which kinds of engine take the key
        head = ["kind", *head]
        takers = [[key.kind for key in same] for same in by_path.values()]
        rows = [["all" if t == kinds else ", ".join(t), *cells] for t, cells in zip(takers, rows, strict=True)]
    title = f"## `{path}`" if path else "## Top level"
    return "\n".join([title, "", about(keys), "", line(head), line(["---"] * len(head)), *map(line, rows), ""])


def row(same: list[Key]) -> list[str]:
    """One key, with the types it has under the kinds of engine that take it."""
    field = same[0].field
    types = ", ".join(dict.fromkeys(type_in_words(key.field) for key in same))
    return [f"`{same[0].path}`", types, default_in_words(field), field.description or ""]


def line(cells: list[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def about(keys: list[Key]) -> str:
    """What the block of these keys says about itself, or what the blocks of all kinds have in common."""
    common = next(base for base in keys[0].block.__mro__ if all(issubclass(key.block, base) for key in keys))
    return inspect.cleandoc(common.__doc__ or "")


def type_in_words(field: FieldInfo) -> str:
    """A field's type and its bounds."""
    limits = [
        f"{words} {getattr(bound, name):g}"
        for bound in field.metadata
        for kind, name, words in BOUNDS
        if isinstance(bound, kind)
    ]
    return ", ".join([in_words(field.annotation), *limits])


def in_words(annotation: Any) -> str:
    """An annotation as a reader of YAML would say it."""
    if annotation in WORDS:
        return WORDS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "blocks"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(in_words(member) for member in arguments))
    if origin in (tuple, list):
        if origin is tuple and arguments[-1] is not Ellipsis:
            return f"list of {len(arguments)}: {', '.join(in_words(member) for member in arguments)}"
        return f"list of {in_words(arguments[0])}"
    if origin is dict:
        return f"mapping of names to {in_words(arguments[1])}"
    return "a mapping, see below"


def default_in_words(field: FieldInfo) -> str:
    """A field's default as YAML writes it; empty for a key that must be given."""
    if field.is_required():
        return ""
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(default, ensure_ascii=False)}`"
