"""The stages, wired: evidence first (prepare, sample, verify), then a view of it (make_view).

Each stage works on a `Session`, takes the recipe apart and hands plain values on. Each is safe to call again: what is
stored is not done twice.
"""

from pairforge.pipeline.building import Summary, build, evidence_counts, summarise
from pairforge.pipeline.deriving import derive
from pairforge.pipeline.merging import Merged, merge
from pairforge.pipeline.preparing import prepare
from pairforge.pipeline.recipe_settings import run_recipe
from pairforge.pipeline.sampling import sample
from pairforge.pipeline.session import Session, open_session
from pairforge.pipeline.verifying import verify
from pairforge.pipeline.view import make_view, write_view

__all__ = [
    "Merged",
    "Session",
    "Summary",
    "build",
    "derive",
    "evidence_counts",
    "make_view",
    "merge",
    "open_session",
    "prepare",
    "run_recipe",
    "sample",
    "summarise",
    "verify",
    "write_view",
]
