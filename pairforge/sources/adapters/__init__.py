"""One file per dataset schema. Every file here that defines `ADAPTER` is an adapter; see docs/sources.md."""

from __future__ import annotations

import importlib
import pkgutil

from pairforge.sources.entry import Adapter

_FOUND: list[Adapter] = [
    importlib.import_module(f"{__name__}.{file.name}").ADAPTER for file in pkgutil.iter_modules(__path__)
]
# In the order in which `auto` tries them.
ADAPTERS: dict[str, Adapter] = {a.name: a for a in sorted(_FOUND, key=lambda a: (a.rank, a.name))}
