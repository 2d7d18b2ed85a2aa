"""Rules over frozen samples: which couples of solutions become preference pairs, and why the others do not."""

from pairforge.filters.evidence import Evidence, gold_suspects, prepare
from pairforge.filters.rules import Band, Bounds, Cap, Rules, SideRule, check_rules
from pairforge.filters.select import Selection, select, select_pairs
from pairforge.filters.target import Facts, Target, accepts, longest_useful, loosest_target

__all__ = [
    "Band",
    "Bounds",
    "Cap",
    "Evidence",
    "Facts",
    "Rules",
    "Selection",
    "SideRule",
    "Target",
    "accepts",
    "check_rules",
    "gold_suspects",
    "longest_useful",
    "loosest_target",
    "prepare",
    "select",
    "select_pairs",
]
