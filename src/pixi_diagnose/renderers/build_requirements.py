"""Who gives a build what it imports: the providers of build_needs, asked about one simulated build."""

from __future__ import annotations

from ..build_needs.model import BuildNeeds, BuildTarget, ImportNeed
from ..build_needs.providers import provider
from ..frontends.visibility import own_requirements
from ..index.model import PypiResolution

__all__ = ["Provision", "provisions"]

Provision = tuple[ImportNeed, str | None]
"""An import and who gives it to an isolated build: "declared", "hook", "setuptools", "brought", or None for nobody."""


def provisions(
    needs: BuildNeeds, build_environment: PypiResolution | None = None, target: BuildTarget | None = None
) -> tuple[Provision, ...]:
    """Every import of a build in order, with its provider.

    Without a resolved build environment it goes by what the newest allowed setuptools would bring.
    """
    resolved = build_environment.distributions if build_environment else ()
    setuptools = next((d.version for d in resolved if d.project == "setuptools"), None)
    available = frozenset(own_requirements(needs, build_environment)[0])
    return tuple(
        (need, provider(need, needs, setuptools, available=available, target=target))
        for need in sorted(needs.imports, key=lambda n: n.order)
    )
