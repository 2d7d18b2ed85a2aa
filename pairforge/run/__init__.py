"""The run directory: its layout, tables, append-only logs, lock, atomic writes and typed records."""

from pairforge.run.directory import Run, find_run, open_run, read_view, view_pairs
from pairforge.run.manifest import Manifest
from pairforge.run.score_files import ScoreRecord, read_score, score_names, score_record
from pairforge.run.stages import sampling_stages
from pairforge.run.view_record import ViewRecord

__all__ = [
    "Manifest", "Run", "ScoreRecord", "ViewRecord", "find_run", "open_run", "read_score", "read_view",
    "sampling_stages", "score_names", "score_record", "view_pairs",
]  # fmt: skip
