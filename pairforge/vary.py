"""Reading `--vary KEY=V1,V2`: the values that a sweep or a training grid tries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from pairforge.errors import RecipeError


def parse_vary(vary: Iterable[str], *, example: str) -> dict[str, list[str]]:
    """`["filter.gap.max=500,none", "filter.status=[correct,incorrect],any"]` as key -> the texts of its values.

    Commas inside brackets or quotes belong to a value. A key that is given twice has the values of both. Raises
    `RecipeError` for an option without values; its hint shows `example`.
    """
    axes: dict[str, list[str]] = {}
    for text in vary:
        key, equals, values = text.partition("=")
        found = [value for value in split_values(values) if value]
        if not key.strip() or not equals or not found:
            raise RecipeError(f"--vary '{text}' names no values", hint=f"write --vary {example}")
        axes.setdefault(key.strip(), []).extend(found)
    return axes


def split_values(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{(":
            depth += 1
        elif letter in "]})":
            depth -= 1
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def parse_value(text: str) -> Any:
    """A value as YAML reads it; `none` is null."""
    if text.lower() == "none":
        return None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
