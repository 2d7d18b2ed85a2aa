"""Exports for trainers: one file per format in `formats/`, and what of a view they hold besides its pairs."""

from pairforge.export.formats import FORMATS
from pairforge.export.labels import label_solutions
from pairforge.export.writer import Exported, format_named, write_export

__all__ = ["FORMATS", "Exported", "format_named", "label_solutions", "write_export"]
