"""The hand-labelled cases: `cases/*.txt`, one per line, `<label> gold ;; response ;; why`, grouped by kind."""

from dataclasses import dataclass
from pathlib import Path

LABELS = {"+": "correct", "-": "incorrect", "0": "no_answer", "t": "truncated", "r": "refused"}


@dataclass(frozen=True)
class Case:
    kind: str
    gold: str
    response: str
    status: str
    why: str


def load_cases(folder: Path = Path(__file__).parent / "cases") -> list[Case]:
    """All cases of a folder. "= X" is a response that is `\\boxed{X}`; "⏎" is a line break."""
    cases = []
    for path in sorted(folder.glob("*.txt")):
        kind = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("[") and line.endswith("]"):
                kind = line[1:-1]
            elif line.strip() and not line.startswith("# "):
                gold, response, why = (part.strip().replace("⏎", "\n") for part in line[1:].split(";;"))
                response = "\\boxed{" + response[2:] + "}" if response.startswith("= ") else response
                cases.append(Case(kind, gold, response, LABELS[line[0]], why))
    return cases
