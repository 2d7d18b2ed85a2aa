"""Publishing: a view (or several) as one dataset on the Hub, in one commit, read back afterwards.

contents = stage(run, {"default": "default"}, "user/name")     # local files: shards, card, recipe, manifest
push(contents, Target("user/name"))                             # one commit, or none when nothing changed
"""

from pairforge.hub.card import render_card
from pairforge.hub.contents import Contents, stage
from pairforge.hub.push import Pushed, push
from pairforge.hub.readback import read_back
from pairforge.hub.repository import Target

__all__ = ["Contents", "Pushed", "Target", "push", "read_back", "render_card", "stage"]
