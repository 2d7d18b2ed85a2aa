"""Recipes: one YAML file is one run, one block is one stage.

Unknown keys are refused, with the nearest key that exists. Nothing below this layer sees a recipe: the pipeline
takes it apart and hands plain values on.
"""

from pairforge.recipe.blocks import (
    DecontaminateBlock,
    DrawsBlock,
    EngineBlock,
    FormatBlock,
    GeneratorBlock,
    GoldJoin,
    PromptBlock,
    PublishBlock,
    Recipe,
    SamplingBlock,
    SourceBlock,
    TrainBlock,
    VerifierBlock,
)
from pairforge.recipe.load import dump_recipe, flatten, load_recipe, parse_recipe, train_arguments

__all__ = [
    "DecontaminateBlock",
    "DrawsBlock",
    "EngineBlock",
    "FormatBlock",
    "GeneratorBlock",
    "GoldJoin",
    "PromptBlock",
    "PublishBlock",
    "Recipe",
    "SamplingBlock",
    "SourceBlock",
    "TrainBlock",
    "VerifierBlock",
    "dump_recipe",
    "flatten",
    "load_recipe",
    "parse_recipe",
    "train_arguments",
]
