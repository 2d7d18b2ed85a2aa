"""Exports for other trainers: one file per trainer in `formats/`."""

from pairforge.export.formats import FORMATS
from pairforge.export.writer import Exported, export

__all__ = ["FORMATS", "Exported", "export"]
