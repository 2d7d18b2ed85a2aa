"""Long-reasoning datasets in: problems with ground truth and the solutions they come with.

stream = read_source(SourceSpec("data.jsonl", adapter="columns"), base_dir=folder)
collection = collect([stream])
for sample in collection.samples():      # given solutions pass through, they are never kept
    store(sample)
collection.problems, collection.drops    # complete now
"""

from pairforge.sources.adapters import ADAPTERS
from pairforge.sources.decontaminate import Decontamination, EvaluationSet, decontaminate, load_evaluation_sets, screen
from pairforge.sources.dedupe import drop_near_duplicates
from pairforge.sources.entry import Adapter, Entry, Given, RowDrop
from pairforge.sources.merge import Collection, SourceSummary, collect
from pairforge.sources.read import SourceStream, read_source
from pairforge.sources.spec import GoldJoin, SourceSpec

__all__ = [
    "ADAPTERS",
    "Adapter",
    "Collection",
    "Decontamination",
    "Entry",
    "EvaluationSet",
    "Given",
    "GoldJoin",
    "RowDrop",
    "SourceSpec",
    "SourceStream",
    "SourceSummary",
    "collect",
    "decontaminate",
    "drop_near_duplicates",
    "load_evaluation_sets",
    "read_source",
    "screen",
]
