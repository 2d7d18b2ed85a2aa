"""One file per dataset schema. A new adapter is a file here plus its place in `_MODULES`; see docs/sources.md."""

from __future__ import annotations

from pairforge.sources.adapters import (
    bespoke_stratos,
    columns,
    deepmath,
    gpqa,
    gsm8k,
    light_r1_dpo,
    limo,
    math,
    numina,
    olympiadbench,
    openr1_math,
    openthoughts,
    openthoughts_metadata,
    rollouts,
    s1k,
    thinkpo_pairs,
    trl_pairs,
)
from pairforge.sources.entry import Adapter

_MODULES = (  # in the order `auto` tries them: the more telling schema first
    openr1_math, openthoughts_metadata, s1k, deepmath, light_r1_dpo, trl_pairs, thinkpo_pairs, rollouts,
    gpqa, olympiadbench, bespoke_stratos, openthoughts, gsm8k, columns, math, numina, limo,
)  # fmt: skip
ADAPTERS: dict[str, Adapter] = {module.ADAPTER.name: module.ADAPTER for module in _MODULES}
