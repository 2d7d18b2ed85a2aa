"""Publishing: a view (or several) as one dataset on the Hub, in one commit, read back afterwards.

contents = stage(run, {"default": "default"}, "user/name")     # local files: shards, card, recipe, manifest
push(contents, Target("user/name"))                             # one commit, or none when nothing changed
"""
