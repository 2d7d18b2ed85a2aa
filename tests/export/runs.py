"""Finished runs whose student is the bundled nano model, so that trainers can really train on their exports."""

from pathlib import Path

from pairforge import pipeline
from pairforge.run import Run
from tests.synthetic import make_run

RECIPE = """
sources: [{dataset: synthetic}]
generator: {engine: {model: pairforge:nano, max_model_len: 1024}, draws: {min: 3, max: 3, until: max}}
filter: {tokenizer: "pairforge:nano", gap: {min: 1}}
train: {model: "pairforge:nano", learning_rate: 1.0e-4, per_device_train_batch_size: 4, global_batch_size: 4}
"""


def nano_run(path: Path, problems: int = 40, recipe: str = RECIPE) -> Run:
    """A run with a long given and up to three short sampled solutions per problem, and its view "default"."""
    run = make_run(path, problems, steps=1)
    run.write_recipe(recipe)
    pipeline.make_view(pipeline.open_session(run), "default")
    return run
