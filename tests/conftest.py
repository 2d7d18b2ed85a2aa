"""How the property tests draw their examples.

By default every run draws the same ones, so that a failure says something about the change at hand and is met again
on another machine. `make test-full` explores: HYPOTHESIS_PROFILE=explore draws new examples each time and keeps
those that failed.
"""

import os

from hypothesis import settings

settings.register_profile("repeat", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))
