"""What is wrong with a recipe, in words: file, key path, what was found, and the nearest key that exists."""

from __future__ import annotations

import difflib
import types
import typing
from typing import Any

import pydantic
from pydantic import BaseModel

from pairforge.errors import RecipeError
from pairforge.recipe.blocks import Recipe


def explain(error: pydantic.ValidationError, raw: dict[str, Any], name: str) -> RecipeError:
    """One line per mistake: file, key path, what was found, and the nearest valid key."""
    lines, hint = [], ""
    for item in error.errors():
        location = _place(item["loc"], raw, missing=item["type"] == "missing")
        path = ".".join(str(p) for p in location) or "(top level)"
        if item["type"] == "extra_forbidden":
            known = _known_keys(location[:-1])
            near = difflib.get_close_matches(str(location[-1]), known, n=1)
            lines.append(f"{name}: {path}: unknown key")
            hint = f"did you mean '{near[0]}'?" if near else f"keys here: {', '.join(known)}"
        elif item["type"] == "missing":
            lines.append(f"{name}: {path}: missing")
            hint = hint or f"add '{location[-1]}'"
        else:
            lines.append(f"{name}: {path}: {item['msg'].removeprefix('Value error, ')} (found {item['input']!r:.80})")
    return RecipeError("\n".join(lines), hint=hint)


def _place(location: tuple[str | int, ...], raw: Any, *, missing: bool) -> list[str | int]:
    """The part of pydantic's location that the file really has: unions add the names of types to it."""
    place: list[str | int] = []
    for part in location:
        if (isinstance(raw, dict) and part in raw) or (isinstance(raw, list) and isinstance(part, int)):
            raw = raw[part]  # type: ignore[index]
            place.append(part)
        elif missing and part == location[-1]:
            place.append(part)
    return place


def _known_keys(location: list[str | int]) -> list[str]:
    """The keys a block may have, following the models from the top."""
    model: Any = Recipe
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if _is_model(model) else None
        if field is None:
            return []
        model = next((t for t in _leaf_types(field.annotation) if _is_model(t)), None)
    return list(model.model_fields) if _is_model(model) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _leaf_types(annotation: Any) -> list[Any]:
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return [leaf for arg in typing.get_args(annotation) for leaf in _leaf_types(arg)]
    return [annotation]
