"""One file per trainer. Every file here that defines `FORMAT` is an export format, named after the file."""

from __future__ import annotations

import importlib
import pkgutil

from pairforge.export.format import Format

FORMATS: dict[str, Format] = {
    found.name: importlib.import_module(f"{__name__}.{found.name}").FORMAT for found in pkgutil.iter_modules(__path__)
}
