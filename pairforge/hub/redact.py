"""What may leave the machine: no local path, no user or host name, no credential."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from pairforge.hub.client import scrub

# Keys whose values say something about the machine, or may hold a credential, and nothing about the data.
_PRIVATE_KEY = re.compile(
    r"(^|_)(host|hostname|user_?name|cwd|home|pid|argv|environ|env|base_urls?|address|api_?key|secret|password)$"
    r"|(^|_)(hub|hf|auth|access|api|wandb)_?(token|key)$|^token$"
)
# A local path inside a text: two parts or more, not part of an address or of a word.
_PATH = re.compile(r"(?<![\w:/.<~-])(?:~|\.{1,2})?/(?:[\w.@+~-]+/)+[\w.@+~-]+/?")
# A snapshot in the Hub's cache: .../models--owner--name/snapshots/<commit>.
_CACHED = re.compile(r"(?:~|\.{1,2})?/(?:[\w.@+~-]+/)*(?:models|datasets)--([\w.-]+?)--([\w.-]+)/snapshots/\w+/?")


def published(value: Any) -> Any:
    """A JSON-like value as it may be published: see the module. Numbers and the order stay."""
    if isinstance(value, dict):
        return {published_text(str(key)): published(inner) for key, inner in value.items() if not _private(str(key))}
    if isinstance(value, list | tuple):
        return [published(inner) for inner in value]
    return published_text(value) if isinstance(value, str) else value


def published_text(text: str) -> str:
    """A text without local paths (their last part stays, so that a model or file can still be recognised).

    A model or dataset in the Hub's cache is named as the Hub names it.
    """
    text = _CACHED.sub(r"\1/\2", text)
    if re.fullmatch(r"(~|/)[^\s<>]*", text):
        return PurePosixPath(text).name or "."
    return _PATH.sub(lambda found: PurePosixPath(found.group()).name, scrub(text))


def _private(key: str) -> bool:
    # flattened key paths ("generator.engine.base_urls.0") are judged by every part
    return any(_PRIVATE_KEY.search(part.lower()) for part in key.split("."))
