"""Rules over frozen samples: which couples of solutions become preference pairs, and why the others do not.

`rule.py` says what a rule is; `rules/`, `choices/` and `controls/` hold one file per rule; `ruleset.py` puts them
together. `select.py` applies them to the tables that `evidence.py` makes ready; `target.py` tells sampling what they
need of one problem.
"""

from pairforge.filters.choices.band import BandSettings
from pairforge.filters.choices.caps import Cap
from pairforge.filters.evidence import Evidence, prepare
from pairforge.filters.rule import Bounds
from pairforge.filters.rules import SideRules
from pairforge.filters.rules.gold_suspects import gold_suspects
from pairforge.filters.ruleset import FilterSettings, Part, Rules, RuleSet, check_rules
from pairforge.filters.select import Selection, select, select_pairs
from pairforge.filters.target import Facts, Target, accepts, longest_useful, loosest_target

__all__ = [
    "BandSettings",
    "Bounds",
    "Cap",
    "Evidence",
    "Facts",
    "FilterSettings",
    "Part",
    "RuleSet",
    "Rules",
    "Selection",
    "SideRules",
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
