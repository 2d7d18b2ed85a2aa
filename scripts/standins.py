"""Write empty wheels that satisfy a requirement nobody uses: `standins.py FOLDER NAME...`.

Beside the wheels goes a constraints.txt that makes pip choose them over the real packages.
"""

import sys
import zipfile
from pathlib import Path

VERSION = "9999.0+standin"


def write_standin(folder: Path, name: str) -> None:
    """A wheel with metadata and nothing else."""
    info = f"{name}-{VERSION}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n"
        "Summary: empty stand-in, installed because vLLM's text path does not need the real package\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: pairforge\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{VERSION}-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)


def main(folder: Path, names: list[str]) -> None:
    for name in names:
        write_standin(folder, name)
    (folder / "constraints.txt").write_text("".join(f"{name}=={VERSION}\n" for name in names))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
