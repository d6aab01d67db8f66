"""How a dispute over a project's version reads: shared by the rules for native projects and for all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..evidence import Place
from ..finding import Finding, Rule
from ..frontends.model import Simulation
from .reporting import about_environment
from .wording import requested_at

if TYPE_CHECKING:
    from ..pins import Dispute, Wish

__all__ = ["about_dispute"]

WISHES = 5
"""Wishes beside the first that are listed."""


def about_dispute(rule: Rule, simulation: Simulation, dispute: Dispute) -> Finding:
    """The finding on one dispute, at the manifest's key from which the first unmet wish comes."""
    first = next(w for w in dispute.wishes if not w.met)
    return about_environment(
        rule,
        simulation,
        _verdict(dispute, first),
        tuple(_sentences(simulation, dispute, first)),
        projects=(dispute.project, *(first.projects[:1])),
        place=_place(simulation, dispute, first),
    )


def _verdict(dispute: Dispute, first: Wish) -> str:
    wanted = f"{dispute.project} {first.specifier}"
    if dispute.given_by:
        who = f"{first.chain[-1]} wants {wanted}" if first.chain else f"{wanted} is asked for"
        return f"{who}, and conda gives {dispute.version}"
    other = next((w for w in dispute.wishes if w is not first), None)
    if other is None:
        return f"{_who(first)} wants {wanted}, which cannot be had"
    return f"{_who(first)} wants {wanted}, and {_who(other)} wants {other.specifier}"


def _sentences(simulation: Simulation, dispute: Dispute, first: Wish) -> Iterator[str]:
    if len(first.chain) > 1:
        yield f"It is brought in by {' → '.join(first.chain)} → {dispute.project} {first.specifier}."
    if dispute.given_by:
        yield _given(dispute)
        yield "A version that conda gives is the only one that PyPI projects can have."
    for wish in [w for w in dispute.wishes if w is not first][:WISHES]:
        fits = ", which is met" if wish.met and dispute.given_by else ""
        chain = " → ".join(wish.chain[:-1])
        through = f" (brought in by {chain})" if chain else ""
        yield f"{_who(wish)}{through} wants {dispute.project} {wish.specifier}{fits}."
    if dispute.given_by and dispute.given_by[0].place is not None and len(dispute.given_by) == 1:
        package = dispute.given_by[0].name
        yield f"Ask conda for {package} {first.specifier}, or leave {dispute.project} to PyPI."
    if simulation.resolution.source == "partial":
        yield "The channels could not be read, so that this rests on the versions in the manifest."


def _given(dispute: Dispute) -> str:
    """Why conda gives this version: the manifest asks for it, or for something that brings it along."""
    names = [f"{p.name} {p.version}".strip() for p in dispute.given_by]
    place = dispute.given_by[0].place
    if len(names) == 1:
        return f"conda's {names[0]} is asked for in [{_table(place)}]." if place else f"conda gives {names[0]}."
    asked = f", asked for in [{_table(place)}]," if place else ""
    return f"conda's {names[0]}{asked} brings {' → '.join(names[1:])}."


def _table(place: Place) -> str:
    return ".".join(str(part) for part in place.key[:-1])


def _who(wish: Wish) -> str:
    return wish.chain[-1] if wish.chain else "the manifest"


def _place(simulation: Simulation, dispute: Dispute, first: Wish) -> Place | None:
    specs = {s.name: s.place for s in simulation.environment.pypi}
    name = first.projects[0] if first.projects else dispute.project
    return specs.get(name) or requested_at(simulation, name)
