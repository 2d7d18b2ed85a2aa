"""Recipes: one YAML file is one run, one block is one stage.

Unknown keys are refused, with the nearest key that exists. Nothing below this layer sees a recipe: the pipeline
takes it apart and hands plain values on.
"""

from pairforge.recipe.blocks import (
    BandBlock,
    BoundsBlock,
    CapBlock,
    DecontaminateBlock,
    DrawsBlock,
    EngineBlock,
    FilterBlock,
    FormatBlock,
    GeneratorBlock,
    GoldJoin,
    PromptBlock,
    PublishBlock,
    Recipe,
    SamplingBlock,
    SideBlock,
    SourceBlock,
    TrainBlock,
    VerifierBlock,
)
from pairforge.recipe.load import dump_recipe, flatten, load_recipe, parse_recipe, train_arguments

__all__ = [
    "BandBlock",
    "BoundsBlock",
    "CapBlock",
    "DecontaminateBlock",
    "DrawsBlock",
    "EngineBlock",
    "FilterBlock",
    "FormatBlock",
    "GeneratorBlock",
    "GoldJoin",
    "PromptBlock",
    "PublishBlock",
    "Recipe",
    "SamplingBlock",
    "SideBlock",
    "SourceBlock",
    "TrainBlock",
    "VerifierBlock",
    "dump_recipe",
    "flatten",
    "load_recipe",
    "parse_recipe",
    "train_arguments",
]
