"""Tables and keys that pixi never reads although their author expects an effect (pixi.md P1, P3; uv.md U1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..evidence import KeyPath, Place
from .model import UnreadTable

__all__ = ["tables_that_pip_ignores", "unread_tables"]

# What would change how things are resolved or built, if uv read it (uv.md U1), and what does the same for pixi.
_UV_SETTINGS = {
    "extra-build-dependencies": "conda packages in [dependencies] together with no-build-isolation",
    "extra-build-variables": "[activation.env]",
    "no-build-isolation": "no-build-isolation in [pypi-options]",
    "no-build-isolation-package": "a list at no-build-isolation in [pypi-options]",
    "no-build": "no-build in [pypi-options]",
    "no-build-package": "a list at no-build in [pypi-options]",
    "no-binary": "no-binary in [pypi-options]",
    "no-binary-package": "a list at no-binary in [pypi-options]",
    "build-constraint-dependencies": "",
    "constraint-dependencies": "",
    "override-dependencies": "dependency-overrides in [pypi-options]",
    "dependency-metadata": "",
    "config-settings": "",
    "config-settings-package": "",
    "index": "index-url and extra-index-urls in [pypi-options]",
    "index-url": "index-url in [pypi-options]",
    "extra-index-url": "extra-index-urls in [pypi-options]",
    "find-links": "find-links in [pypi-options]",
    "index-strategy": "index-strategy in [pypi-options]",
    "prerelease": "prerelease-mode in [pypi-options]",
    "exclude-newer": "exclude-newer in [workspace]",
    "sources": "path, git, url or index at the dependency itself",
}
_OTHER_PACKAGERS = ("pip", "poetry", "pdm", "hatch", "setuptools")


def unread_tables(data: Mapping[str, object], path: str, *, pyproject: bool) -> tuple[UnreadTable, ...]:
    """Every such table or key of the document `data`, in the order of the file.

    In pyproject.toml only uv's settings count: other tools read their tables there. In pixi.toml no `[tool.*]` is read.
    """
    tools = data.get("tool")
    if not isinstance(tools, dict):
        return ()
    found: list[UnreadTable] = []
    for name, table in tools.items():
        if name == "uv":
            found += _uv_settings(table, path)
        elif not pyproject and name == "pixi":
            found += _pixi_tables(table, path)
        elif not pyproject and name in _OTHER_PACKAGERS:
            found.append(_unread(path, ("tool", name), "pixi ignores every [tool.*] table of pixi.toml"))
    return tuple(found)


def tables_that_pip_ignores(data: Mapping[str, object], path: str) -> tuple[UnreadTable, ...]:
    """What uv reads of a pyproject.toml to resolve and build, where pip is the tool: pip has options instead."""
    tools = data.get("tool")
    table = tools.get("uv") if isinstance(tools, dict) else None
    keys = [key for key in table if key in _UV_SETTINGS] if isinstance(table, dict) else []
    reason = "pip does not read [tool.uv]: it takes options on its command line, or in a requirements file"
    return tuple(_unread(path, ("tool", "uv", key), reason) for key in keys)


def _uv_settings(table: object, path: str) -> Iterator[UnreadTable]:
    for key in table if isinstance(table, dict) else ():
        if key in _UV_SETTINGS:
            instead = f"; pixi's way is {_UV_SETTINGS[key]}" if _UV_SETTINGS[key] else "; pixi has nothing like it"
            yield _unread(path, ("tool", "uv", key), f"pixi does not read [tool.uv]{instead}")


def _pixi_tables(table: object, path: str) -> Iterator[UnreadTable]:
    for key in table if isinstance(table, dict) else ():
        reason = f"pixi.toml has no [tool.pixi]: pixi reads [{key}] at the root of this file"
        yield _unread(path, ("tool", "pixi", key), reason)


def _unread(path: str, key: KeyPath, reason: str) -> UnreadTable:
    return UnreadTable(Place(path, key), ".".join(str(part) for part in key), reason)
