"""One file per dataset schema. A new adapter is a file here plus its line in `ADAPTERS`; see docs/sources.md."""

from __future__ import annotations

from pairforge.sources.adapters import columns, gsm8k
from pairforge.sources.entry import Adapter

# In the order `auto` tries them: the more telling schema first.
ADAPTERS: dict[str, Adapter] = {module.ADAPTER.name: module.ADAPTER for module in (gsm8k, columns)}
