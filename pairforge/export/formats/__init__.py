"""One file per format. Every file here that defines `FORMAT` is one, under the file's name with `-` for `_`."""

from __future__ import annotations

import importlib
import pkgutil

from pairforge.export.format import Format

FORMATS: dict[str, Format] = {
    found.name.replace("_", "-"): importlib.import_module(f"{__name__}.{found.name}").FORMAT
    for found in pkgutil.iter_modules(__path__)
}
