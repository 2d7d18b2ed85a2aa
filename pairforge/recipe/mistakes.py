"""What is wrong with a recipe: file, key path, what was found, and the nearest key that exists."""

from __future__ import annotations

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
    for item in error.errors():
        place = find(item["loc"], raw)
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
        elif item["type"] == "model_type":
            lines.append(f"{name}: {path}: expected a mapping of keys (found {item['input']!r:.80})")
        else:
            lines.append(f"{name}: {path}: {item['msg'].removeprefix('Value error, ')} (found {item['input']!r:.80})")
    return RecipeError("\n".join(lines), hint=hint)


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
