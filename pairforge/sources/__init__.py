"""Long-reasoning datasets in: problems with ground truth and the solutions they come with.

stream = read_source(SourceConfig(dataset="data.jsonl", adapter="columns"), base_dir=folder)
collection = collect([stream])
for sample in collection.samples():      # given solutions pass through, they are never kept
    store(sample)
collection.problems, collection.drops    # complete now
"""

from pairforge.sources.adapters import ADAPTERS
from pairforge.sources.config import DecontaminateConfig, GoldJoin, SourceConfig
from pairforge.sources.decontaminate import Decontamination, EvaluationSet, decontaminate, load_evaluation_sets, screen
from pairforge.sources.dedupe import drop_near_duplicates
from pairforge.sources.entry import Adapter, Entry, Given, RowDrop
from pairforge.sources.merge import Collection, SourceSummary, collect
from pairforge.sources.read import SourceStream, read_source

__all__ = [
    "ADAPTERS",
    "Adapter",
    "Collection",
    "DecontaminateConfig",
    "Decontamination",
    "Entry",
    "EvaluationSet",
    "Given",
    "GoldJoin",
    "RowDrop",
    "SourceConfig",
    "SourceStream",
    "SourceSummary",
    "collect",
    "decontaminate",
    "drop_near_duplicates",
    "load_evaluation_sets",
    "read_source",
    "screen",
]
