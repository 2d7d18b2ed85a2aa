"""Sampling solutions: what to draw next (plan), what draws it (engines), and the loop between them."""

from pairforge.generator.engines.protocol import Completion, Engine, Request
from pairforge.generator.engines.start import open_engine
from pairforge.generator.loop import Measure, Progress, Store, sample
from pairforge.generator.plan import Accept, Begun, Drawn, Plan, Task

__all__ = [
    "Accept",
    "Begun",
    "Completion",
    "Drawn",
    "Engine",
    "Measure",
    "Plan",
    "Progress",
    "Request",
    "Store",
    "Task",
    "open_engine",
    "sample",
]
