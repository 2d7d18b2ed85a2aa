"""What is wrong with a recipe: file, key path, what was found, and the nearest key that exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pydantic
from pydantic import BaseModel

from pairforge.errors import RecipeError, nearest
from pairforge.generator.config import KINDS
from pairforge.recipe.blocks import Recipe
from pairforge.recipe.keys import blocks_in


def explain(error: pydantic.ValidationError, raw: dict[str, Any], name: str) -> RecipeError:
    """One line per mistake, and a hint for the last one that has any."""
    lines, hint = [], ""
    for place, items in by_key(error, raw):
        item = items[0]
        path = ".".join(str(part) for part in place.path) or "(top level)"
        if item["type"] == "extra_forbidden":
            line, hint = unknown_key(place)
            lines.append(f"{name}: {path}: {line}")
        elif item["type"] == "missing":
            lines.append(f"{name}: {path}: missing")
            hint = hint or f"add '{place.path[-1]}'"
        elif item["type"] == "engine_kind":
            kind = str(item["input"]["kind"])
            lines.append(f"{name}: {path}.kind: there is no such kind of engine (found {kind!r:.80})")
            hint = nearest(kind, KINDS, otherwise=f"kinds: {', '.join(KINDS)}")
        else:
            first, *others = dict.fromkeys(expected(one) for one in items)
            wanted = " or ".join([first, *(other.removeprefix("expected ") for other in others)])
            lines.append(f"{name}: {path}: {wanted} (found {item['input']!r:.80})")
            if items[-1]["type"] == "model_type":
                hint = hint or keys_instead(place, path, item["input"])
    return RecipeError("\n".join(lines), hint=hint)


Item = Mapping[str, Any]
"""One of pydantic's mistakes: type, loc, msg, input, ctx."""


def by_key(error: pydantic.ValidationError, raw: dict[str, Any]) -> list[tuple[Place, list[Item]]]:
    """The mistakes by the key that they are of. Where a key takes values of several types, each type says why the value
    is not its own: what is said of a place inside the value counts, then, and not that the whole is of another type."""
    found: dict[tuple[str | int, ...], tuple[Place, list[Item]]] = {}
    for item in error.errors():
        place = find(item["loc"], raw)
        found.setdefault(tuple(place.path), (place, []))[1].append(item)
    inside = {path[:size] for path in found for size in range(len(path))}
    return [entry for path, entry in found.items() if path not in inside or entry[1][0]["type"] == "extra_forbidden"]


def expected(item: Item) -> str:
    """What a key takes, in the words of YAML."""
    words = {"tuple_type": "a list", "list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping of keys"}
    if item["type"] in words:
        return f"expected {words[item['type']]}"
    if item["type"] == "literal_error":
        return f"expected {item['ctx']['expected']}"
    return str(item["msg"]).removeprefix("Value error, ")


def keys_instead(place: Place, path: str, value: object) -> str:
    """What to write where a plain value stands in the place of a block."""
    key = str(place.path[-1]) if place.path else ""
    field = place.block.model_fields.get(key) if place.block else None
    # Behind an entry of a list, or one of several types, the place's block is already that of the value.
    block = blocks_in(field).get("") if field is not None else place.block
    if block is None or isinstance(value, dict | list):
        return ""
    if {"min", "max"} <= block.model_fields.keys() and isinstance(value, int | float):
        return f"write {path}.min={value} or {path}.max={value}"
    return f"keys of {path}: {', '.join(block.model_fields)}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mistake is: the key path, the block that should know its last key, and that block's kind ("" for a block
    that has none) among `siblings`, the blocks of the other kinds."""

    path: list[str | int]
    block: type[BaseModel] | None
    kind: str
    siblings: dict[str, type[BaseModel]]


def find(location: tuple[str | int, ...], raw: Any) -> Place:
    """Pydantic's location along the models and the file: it names the members of unions too, which no file has."""
    path: list[str | int] = []
    block: type[BaseModel] | None = Recipe
    kind, siblings = "", dict[str, type[BaseModel]]()
    held: dict[str, type[BaseModel]] = {}  # the blocks that the key just passed may hold
    for at, part in enumerate(location):
        if part in held and part != "":
            block, kind, siblings = held[str(part)], str(part), held
            continue
        in_file = (isinstance(raw, dict) and part in raw) or (isinstance(raw, list) and isinstance(part, int))
        if not in_file and at < len(location) - 1:
            continue
        if not in_file and not (block and part in block.model_fields):
            continue  # the name of a type
        path.append(part)
        raw = raw[part] if in_file else None
        last = at == len(location) - 1
        if not last and block is not None and part in block.model_fields:
            held = blocks_in(block.model_fields[str(part)])
            block, kind, siblings = held.get(""), "", {}
    return Place(path, block, kind, siblings)


def unknown_key(place: Place) -> tuple[str, str]:
    """What is wrong with a key that its block does not have, and what to do."""
    key = str(place.path[-1])
    takers = [tag for tag, block in place.siblings.items() if key in block.model_fields]
    if takers:
        taken = " and ".join(f"`{tag.replace('=', ': ')}`" for tag in takers)
        here = place.kind.replace("=", ": ")
        return f"has no effect under `{here}`", f"{taken} takes it: change `kind`, or remove '{key}'"
    known = list(place.block.model_fields) if place.block else []
    return "unknown key", nearest(key, known, otherwise=f"keys here: {', '.join(known)}")
