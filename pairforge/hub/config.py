"""The settings of publishing."""

from __future__ import annotations

from pydantic import Field

from pairforge.config import Config


class PublishConfig(Config):
    """Where a view is published."""

    repo: str | None = Field(
        None, description="The dataset repository on the Hub, `user/name`; `push` may name another."
    )
    private: bool = Field(True, description="Whether a new repository is private; `push --public` overrides it.")
    license: str | None = Field(
        None,
        description="The license you state. null: the sources decide, and what is not known is unknown.",
    )
