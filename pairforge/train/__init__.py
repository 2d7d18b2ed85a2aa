"""Training on pairs: a thin command over TRL, with ThinkPO's settings as defaults and guards before the first step."""

from pairforge.train.arguments import Settings, for_method, method_of, resolve
from pairforge.train.data import TrainData, from_dataset, from_view
from pairforge.train.record import Result, default_name
from pairforge.train.training import resolved, train

__all__ = [
    "Result",
    "Settings",
    "TrainData",
    "default_name",
    "for_method",
    "from_dataset",
    "from_view",
    "method_of",
    "resolve",
    "resolved",
    "train",
]
