"""Whether anyone writes the two sides of a pair at all."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pairforge.errors import RuleError
from pairforge.filters import Rules
from pairforge.generator.config import GIVEN
from pairforge.pipeline.session import Session


def side_mistakes(rules: Rules, arms: Collection[str], *, has_given: bool) -> Iterator[str]:
    """The sides that no pair can have, as "key: what is wrong". `arms` are the names that rules may select by besides
    `given`; `has_given` says whether any source brings solutions."""
    for at, part in enumerate(rules.parts):
        yield from (f"mix.{at}.{mistake}" for mistake in side_mistakes(part, arms, has_given=has_given))
    if rules.parts:
        return
    known = [GIVEN, *arms]
    writers = known if has_given else list(arms)
    for side, wanted in (("chosen", rules.chosen.origins), ("rejected", rules.rejected.origins)):
        unknown = [name for name in wanted if name not in known]
        if unknown:
            shown = ", ".join(arms) or "none, the recipe samples nothing"
            yield f"{side}.origin: there is no arm '{unknown[0]}' (arms: {shown})"
        elif wanted and not set(wanted) & set(writers):
            yield f"{side}.origin: {GIVEN}, but no source brings solutions of its own"
    if not writers:
        yield "chosen.origin: no source brings solutions, and the recipe samples none"


def check_sides(session: Session) -> None:
    """Raise `RuleError` where no source and no arm writes one of the sides that the rules ask for."""
    origins = session.samples["origin"].unique().to_list()
    arms = list(dict.fromkeys([*session.recipe.arms, *session.recipe.derive, *sorted(set(origins) - {GIVEN})]))
    for mistake in side_mistakes(session.recipe.filter.effective, arms, has_given=GIVEN in origins):
        hint = "name an entry of `generators` or `derive`, `given`, or `any`; `pairforge check` counts both"
        raise RuleError(f"filter.{mistake}", hint=hint)
    for name in sorted(origins_named(session.recipe.filter)):
        how = session.recipe.derive.get(name)
        block = session.recipe.arms.get(how.of) if how is not None else None
        if how is not None and block is not None and not (block.budget == "full" and block.draws.until == "max"):
            raise RuleError(
                f"rules name '{name}', which is made of solutions of '{how.of}' after they are sampled, so sampling "
                "cannot tell which draws lead to a pair",
                hint=f"set `budget: full` and `draws: {{until: max}}` for '{how.of}'",
            )


def origins_named(rules: Rules) -> set[str]:
    """The origins that the two sides name, in all parts of a mix."""
    parts = rules.parts or (rules,)
    return {name for part in parts for side in (part.chosen, part.rejected) for name in side.origins}
