"""What all settings have in common. Each package defines the settings it uses; `recipe/` composes them."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """A block of settings: immutable, closed to keys it does not know, and strict about true and false.

    Every field has a `description` that names its unit: the reference of all keys and the editors' schema are made
    from them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object, info: pydantic.ValidationInfo) -> object:
        """Pydantic would read `true` as 1. And null is the value `none` of a key that has one: overrides read it so."""
        kinds = leaf_types(cls.model_fields[str(info.field_name)].annotation)
        if isinstance(value, bool) and bool not in kinds:
            raise ValueError("true and false are not values of this key")
        return "none" if value is None and "none" in kinds and types.NoneType not in kinds else value


def leaf_types(annotation: Any) -> list[Any]:
    """The types in an annotation, without its unions and containers."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return [leaf for argument in typing.get_args(annotation) for leaf in leaf_types(argument)]
    return [annotation]


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}, "c": [2]}` as `{"a.b": 1, "c.0": 2}`: the key paths that errors and overrides use."""
    if isinstance(value, Mapping) and value:
        pairs = [(str(k), v) for k, v in value.items()]
    elif isinstance(value, list | tuple) and value:
        pairs = [(str(i), v) for i, v in enumerate(value)]
    else:
        return {prefix: value}
    out: dict[str, Any] = {}
    for key, inner in pairs:
        out |= flatten(inner, f"{prefix}.{key}" if prefix else key)
    return out
