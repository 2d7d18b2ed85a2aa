"""The verifier's version moves with what decides a verdict."""

import hashlib
from pathlib import Path

import pairforge.verifier
from pairforge.verifier.verify import VERIFIER_VERSION

# They carry, store or show decisions, and make none.
SERVANTS = {"__init__.py", "config.py", "explain.py", "files.py", "memo.py", "pool.py", "worker.py"}


def test_a_change_of_the_rules_is_a_new_version():
    folder = Path(pairforge.verifier.__file__).parent
    deciding = sorted(file for file in folder.glob("*.py") if file.name not in SERVANTS)
    text = b"".join(file.name.encode() + file.read_bytes() for file in deciding)
    digest = hashlib.sha256(text).hexdigest()[:12]
    assert (VERIFIER_VERSION, digest) == ("3", "ca2249166dd4"), (
        "the deciding code changed: raise VERIFIER_VERSION if any verdict can change with it (stored verdicts and "
        "cached decisions of the old version are then made again), and write the new digest here"
    )
