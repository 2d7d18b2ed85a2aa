"""pairforge builds verified preference data for reasoning length, in both directions, and trains on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from pairforge.api import (
        Recipe,
        Run,
        Verifier,
        build,
        check,
        grade,
        load_recipe,
        make_view,
        open_run,
        plan,
        sample,
        select_pairs,
        sweep,
    )

__all__ = [
    "Recipe", "Run", "Verifier", "__version__", "build", "check", "grade", "load_recipe", "make_view", "open_run",
    "plan", "sample", "select_pairs", "sweep",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used, so that `import pairforge` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module 'pairforge' has no attribute '{name}'")
    from pairforge import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted(__all__)
