"""What `init` adds to a pixi manifest: an environment for this tool alone, and a task in it.

A task runs inside an environment that pixi first locks and installs, so that in the broken one it could not run
(pixi.md P10).
"""

from __future__ import annotations

from ..document import Document, Edit
from .workbench import tables_root

__all__ = ["NAME", "own_environment"]

NAME = "diagnose"
"""The environment's, the feature's and the task's."""


def own_environment(document: Document, *, comments: bool = True) -> tuple[Edit, ...]:
    """The edits that add it; what is there already under these names stays as it is."""
    root = tables_root(document)
    entries = (
        ((*root, "feature", NAME, "dependencies", "pixi-diagnose"), "*", "says which builds fail, before they run"),
        ((*root, "feature", NAME, "tasks", NAME), "pixi-diagnose", "pixi run diagnose"),
        (
            (*root, "environments", NAME),
            {"features": [NAME], "no-default-feature": True},
            "of its own, so that it runs while another environment cannot be installed",
        ),
    )
    edits = (Edit.add_key(key, value, comment=comment if comments else "") for key, value, comment in entries)
    return tuple(e for e in edits if document.value_at(e.key) is None)
