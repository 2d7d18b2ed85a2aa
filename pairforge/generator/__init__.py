"""Sampling solutions: what to draw next (plan), what draws it (engines), and the loop between them."""

from pairforge.generator.engine import Completion, Engine, EngineKind, Request, open_engine
from pairforge.generator.loop import Progress, Store, sample
from pairforge.generator.plan import Outcome, Plan, Task

__all__ = [
    "Completion",
    "Engine",
    "EngineKind",
    "Outcome",
    "Plan",
    "Progress",
    "Request",
    "Store",
    "Task",
    "open_engine",
    "sample",
]
