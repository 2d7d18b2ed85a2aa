"""The answer field of a JSON object that a text ends in, also in a fence."""

from __future__ import annotations

import json
import re
from typing import Any

from pairforge.verifier.extract.extraction import Extraction

_MAX_CHARS = 20_000
_KEYS = (
    "finalanswer", "answer", "correctanswer", "answers", "finalresult", "result", "solution", "value",
    "output", "response", "choice", "option", "prediction", "ans", "answervalue", "correctoption", "total",
)  # fmt: skip
_ABOUT = re.compile(
    r"reason|thought|think|expla|error|question|problem|step|work|note|comment|message|plan|status|query"
)
_START = re.compile(r"(?:^|```[a-zA-Z]*\s*|\n)[ \t]*(?=\{)")
_END = re.compile(r"\}[\s`.;]*$")


def json_answer(region: str) -> Extraction | None:
    """What the last JSON object says under "answer" or a key like it; None where the text does not end in JSON."""
    tail = region[-_MAX_CHARS:]
    if ('"' not in tail and "'" not in tail) or not _END.search(tail[-40:]):
        return None
    text = tail[: tail.rfind("}") + 1]
    for start in list(_START.finditer(text))[:8]:
        found = _loaded(text[start.end() :])
        if isinstance(found, dict) and found:
            key = next((k for name in _KEYS for k in found if re.sub(r"[\W_]", "", str(k)).lower() == name), None)
            if key is None and (len(found) > 1 or _ABOUT.search(str(next(iter(found))).lower())):
                return None
            value = found[key if key is not None else next(iter(found))]
            answer = _written(value)
            if answer is None:
                return Extraction("", "the answer field is empty", missing="no_answer")
            return Extraction(answer, "JSON")
    return None


def _loaded(text: str) -> Any:
    if '"' not in text:
        text = _PYTHON.sub(lambda found: {"'": '"', "None": "null", "True": "true", "False": "false"}[found[0]], text)
    for candidate in (
        (text, _ESCAPE.sub(_escaped, text)) if _LATEX.search(text) is None else (_ESCAPE.sub(_escaped, text),)
    ):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


_PYTHON = re.compile(r"'|\bNone\b|\bTrue\b|\bFalse\b")
_ESCAPE = re.compile(r"\\(\\|.)", re.DOTALL)
# A backslash that starts a LaTeX command although its first letter would make it a JSON escape.
_LATEX = re.compile(
    r"(?<!\\)\\(?:frac|forall|text|times|tfrac|theta|tan|tau|triangle|boxed|binom|beta|bar|begin|right|rho|rangle"
    r"|neq?\b|nu\b|notin)"
)


def _escaped(found: re.Match[str]) -> str:
    if found[1] in '\\"/' or (found[1] in "bfnrtu" and not _LATEX.match(found.string, found.start())):
        return found[0]
    return "\\" + found[0]


def _written(value: Any) -> str | None:
    """A JSON value as a text states it; None for nothing."""
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, list):
        parts = [_written(part) for part in value]
        if any(part is None for part in parts):
            return None
        nested = [f"({part})" if isinstance(raw, list) else str(part) for part, raw in zip(parts, value, strict=True)]
        return ", ".join(nested)
    if isinstance(value, dict):
        lower = {str(key).lower(): part for key, part in value.items()}
        if "value" in lower and len(lower) <= 2:
            parts = [_written(lower["value"]), _written(lower.get("unit", lower.get("units")))]
            return " ".join(part for part in parts if part) or None
        pairs = [(key, _written(part)) for key, part in value.items()]
        return None if any(part is None for _, part in pairs) else ", ".join(f"{key} = {part}" for key, part in pairs)
    return str(value).strip() or None
