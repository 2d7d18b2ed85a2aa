"""Exporting a view for other trainers, with a configuration each."""

from pairforge.export.export import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
