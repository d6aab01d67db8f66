"""Lock files as the answer instead of resolving: read fast, judged as their tool judges them.

`lock_beside` is what the pipeline asks. `workspace_lock` (pixi.lock), `uv_project` (uv.lock) and `pylock_input`
(pylock.toml, which is the input itself) answer it; below them stand one reader per format (`pixi_lock`, whose answers
`kept_lock` keeps, `uv_lock`, `pylock`), and for pixi the judgement of `freshness` (environments) and `satisfaction`
(packages), for uv that of `uv_freshness`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..environment import Environment
from ..index.cache import FactCache
from ..manifest.model import Manifest
from .answers import JudgedLock, LockAnswer
from .model import Staleness

__all__ = ["JudgedLock", "LockAnswer", "Staleness", "lock_beside"]


def lock_beside(
    manifest: Manifest, environments: Sequence[Environment], default_index: Callable[[], str], cache: FactCache
) -> JudgedLock | None:
    """The lock of a manifest, judged; None where its tool writes none. Never raises for what a lock holds.

    `default_index` asks for the index that is used where nobody names one; `cache` keeps
    what a pixi.lock was read as.
    """
    if manifest.dialect == "pixi":
        from .workspace_lock import WorkspaceLock

        return WorkspaceLock.beside(environments, default_index, cache)
    if manifest.installer is not None and manifest.dialect == "pylock":
        from .pylock_input import PylockInput

        return PylockInput.of(manifest, manifest.installer)
    if manifest.installer is not None and manifest.installer.interface == "uv":
        from .uv_project import UvProjectLock

        return UvProjectLock.beside(environments, manifest.installer)
    return None
