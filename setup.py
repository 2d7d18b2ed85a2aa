"""Everything is in pyproject.toml but this: the wheel carries `recipes/`, so that `pairforge init` finds them."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithRecipes(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for file in Path("recipes").rglob("*.yaml"):
            target = Path(self.build_lib) / "pairforge" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


setup(cmdclass={"build_py": WithRecipes})
