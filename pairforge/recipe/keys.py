"""All keys of a recipe, found in the models themselves: for the reference of keys, for hints, and for tests."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

from pairforge.config import leaf_types
from pairforge.filters import Part, Rules
from pairforge.recipe.blocks import Recipe

REPEATED = {"generators"}
"""Mappings of names to a block that stands in the recipe by itself too, with the same keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key that holds a value. `path` is as in `sources[].dataset` or `filter.chosen.quality.<name>.min`; `kind`
    is the kind of engine whose block it belongs to, "" outside of engine blocks."""

    path: str
    kind: str
    block: type[BaseModel]
    field: FieldInfo

    @property
    def name(self) -> str:
        """The path with its kind: the same path may stand in the block of every kind."""
        return f"{self.path} ({self.kind})" if self.kind else self.path


def leaf_keys(model: type[BaseModel] = Recipe, prefix: str = "", kind: str = "") -> Iterator[Key]:
    """Every key below a model that holds a value, in the order of the models; those of rules stand under `filter` only,
    and not again in the parts of a mix."""
    for name, field in model.model_fields.items():
        if model is Part and name in Rules.model_fields:
            continue
        path = f"{prefix}.{name}" if prefix else name
        inner = blocks_in(field)
        if not inner or takes_a_value(field.annotation) or path in REPEATED:
            yield Key(path, kind, model, field)
        if path in REPEATED:
            continue
        for tag, block in inner.items():
            yield from leaf_keys(block, path + container(field.annotation), tag.removeprefix("kind=") or kind)


def blocks_in(field: FieldInfo) -> dict[str, type[BaseModel]]:
    """The models that a field may hold: by tag where several are told apart by one, else under ""."""
    members = tagged(field.annotation)
    if members:
        return members
    models = [kind for kind in leaf_types(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return {"": models[0]} if models else {}


def takes_a_value(annotation: Any) -> bool:
    """Whether a key that may hold a block may hold a plain value instead, other than null."""
    return any(
        typing.get_origin(member) is typing.Literal or member in (str, int, float)
        for member in typing.get_args(annotation)
        if typing.get_origin(annotation) in (typing.Union, types.UnionType)
    )


def tagged(annotation: Any) -> dict[str, type[BaseModel]]:
    """The members of a union told apart by tags."""
    found: dict[str, type[BaseModel]] = {}
    for member in typing.get_args(annotation):
        tags = [data.tag for data in getattr(member, "__metadata__", ()) if isinstance(data, Tag)]
        if tags:
            found[tags[0]] = typing.get_args(member)[0]
        else:
            found |= tagged(member)
    return found


def container(annotation: Any) -> str:
    """How a path goes on inside a list or a mapping of blocks."""
    origin = typing.get_origin(annotation)
    if origin in (tuple, list):
        return "[]"
    if origin is dict:
        return ".<name>"
    return ""
