"""SourceTree → BuildNeeds: what a build needs, read without running it."""

from .analysis import analyse_build
from .build_system import read_build_system
from .providers import provider, undeclared

__all__ = ["analyse_build", "provider", "read_build_system", "undeclared"]
