"""The run directory: its files, the append-only log, the lock, atomic writes."""

from pairforge.run.directory import LOCK_FILE, SAMPLE_FACTS, Run, open_run, read_view, unique, view_pairs

__all__ = ["LOCK_FILE", "SAMPLE_FACTS", "Run", "open_run", "read_view", "unique", "view_pairs"]
