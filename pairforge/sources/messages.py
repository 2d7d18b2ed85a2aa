"""Chat rows: `from`/`value` and `role`/`content` messages, and the instructions datasets put before a question."""

from __future__ import annotations

from typing import Any

from pairforge.sources.entry import Row, RowDrop, clean, shorten

_ROLES = {"human": "user", "gpt": "assistant"}
# Sky-T1's instruction before math questions, as Bespoke-Stratos and OpenThoughts carry it.
BOX_INSTRUCTION = "Return your final response within \\boxed{}."
CODE_INSTRUCTION = "Generate an executable Python function"


def turns(row: Row, column: str) -> list[tuple[str, str]]:
    """The messages of a column as (role, text), whatever spelling the dataset uses. One message may stand alone."""
    value = row.get(column)
    messages = [value] if isinstance(value, dict) else value
    if not isinstance(messages, list) or not messages:
        raise RowDrop("no_messages", f"'{column}' holds {shorten(value)}")
    return [_turn(message, column) for message in messages]


def _turn(message: Any, column: str) -> tuple[str, str]:
    if not isinstance(message, dict):
        raise RowDrop("no_messages", f"'{column}' holds {shorten(message)}")
    role = message.get("role") or message.get("from") or ""
    text = message.get("content") or message.get("value") or ""
    return _ROLES.get(str(role).lower(), str(role).lower()), clean(str(text))


def last(messages: list[tuple[str, str]], role: str, reason: str) -> str:
    """The text of the last message of a role; a row without one is dropped."""
    found = next((text.strip() for who, text in reversed(messages) if who == role and text.strip()), "")
    if not found:
        raise RowDrop(reason, f"no {role} message")
    return found


def math_question(user: str) -> str:
    """The question of a user turn without the instruction before it; a row that asks for code is dropped."""
    user = user.strip()
    if user.startswith(CODE_INSTRUCTION):
        raise RowDrop("not_math", "asks for code")
    return user.removeprefix(BOX_INSTRUCTION).strip()
