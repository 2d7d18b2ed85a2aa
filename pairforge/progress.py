"""How long work reports on itself: one function type for every stage."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None, str], None]
"""Called as progress(stage, done, total or None, note) while a stage works; it draws, or does nothing."""


def quiet(stage: str, done: int, total: int | None, note: str) -> None:
    """A `Progress` that shows nothing."""
