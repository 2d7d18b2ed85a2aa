"""The license that a dataset's own card states: read, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CARD_CHARACTERS = 200_000  # a card's head is at its beginning; nobody's is longer
_IDENTIFIER = re.compile(r"[A-Za-z0-9][\w.+-]{0,63}")


def stated_license(head: object) -> str:
    """The license in a card's metadata, as the Hub spells it (`apache-2.0`); several joined by ", ", "" for none.

    Anything that is no identifier counts as not stated, and so does "unknown".
    """
    value: Any = head.get("license") if isinstance(head, Mapping) else None
    values = value if isinstance(value, list) else [value]
    found = {v.strip().lower() for v in values if isinstance(v, str) and _IDENTIFIER.fullmatch(v.strip())}
    return "" if len(found) < len(values) else ", ".join(sorted(found - {"unknown"}))


def folder_license(folder: Path) -> str:
    """The license stated by the card of a local dataset folder (`README.md` with a YAML head); "" for none."""
    try:
        with (folder / "README.md").open(encoding="utf-8-sig", errors="replace") as file:
            text = file.read(CARD_CHARACTERS)
    except OSError:
        return ""
    head = re.match(r"---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", text, re.DOTALL)
    try:
        return stated_license(yaml.safe_load(head[1])) if head else ""
    except (yaml.YAMLError, RecursionError, ValueError):
        return ""
