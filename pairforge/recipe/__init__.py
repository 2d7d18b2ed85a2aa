"""Recipes: one YAML file is one run, one block is one stage.

The settings of a block live in the package that uses them; here they are composed, read and explained. Unknown keys
are refused, with the nearest key that exists. Pure logic never sees a recipe: the pipeline hands plain values on.
"""

from pairforge.recipe.blocks import Recipe
from pairforge.recipe.load import dump_recipe, load_recipe, parse_recipe, stage_recipe, train_arguments

__all__ = [
    "Recipe",
    "dump_recipe",
    "load_recipe",
    "parse_recipe",
    "stage_recipe",
    "train_arguments",
]
