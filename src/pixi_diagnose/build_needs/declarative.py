"""Scripts of the tree that declarative backends run: hatchling's and pdm-backend's hooks, poetry-core's build script.

Sources: hatch documentation "Custom build hook" and "Custom metadata hook"; pdm-backend documentation "Build hooks";
poetry documentation "build-system: build script"; hatch-vcs' README.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..lazy_dataclass import dataclass
from ..source_tree import SourceTree
from .build_system import pyproject
from .model import Phase

__all__ = ["BackendScript", "backend_scripts", "metadata_providers", "version_plugin"]


@dataclass(frozen=True, slots=True)
class BackendScript:
    """A file that the backend loads. `methods` are those that it calls on classes that extend one of its own.

    `name` is the `__name__` that the file sees.
    """

    file: str
    phase: Phase
    name: str = "hook"
    methods: tuple[str, ...] = ()


def backend_scripts(tree: SourceTree, module: str) -> tuple[BackendScript, ...]:
    """The scripts that a backend (by its module) runs for this tree, the metadata hooks' first."""
    tool = pyproject(tree)[0].get("tool")
    if not isinstance(tool, dict):
        return ()
    if module.startswith("hatchling"):
        found = list(_hatch(tool))
    elif module.startswith("pdm."):
        found = list(_pdm(tool))
    elif module.startswith("poetry"):
        found = list(_poetry(tool))
    else:
        return ()
    return tuple(sorted({s for s in found if s.file in tree.names}, key=lambda s: (s.phase is Phase.WHEEL, s.file)))


def version_plugin(tree: SourceTree, module: str) -> str:
    """The module that hatchling loads as the source of the version, empty for one of its own."""
    table = _at(pyproject(tree)[0], "tool", "hatch", "version")
    return "hatch_vcs" if module.startswith("hatchling") and table.get("source") == "vcs" else ""


def metadata_providers(tree: SourceTree, module: str) -> tuple[str, ...]:
    """What scikit-build-core's hook asks for, for the providers of metadata that a table names.

    Source: get_requires_for_dynamic_metadata of scikit_build_core/metadata/{setuptools_scm,fancy_pypi_readme}.py.
    """
    table = _at(pyproject(tree)[0], "tool", "scikit-build", "metadata") if module.startswith("scikit_build") else {}
    named = {_path(_at(table, key), "provider", "").removeprefix("scikit_build_core.metadata.") for key in table}
    return tuple(requirement for name, requirement in _PROVIDERS.items() if name in named)


_PROVIDERS = {"setuptools_scm": "setuptools-scm", "fancy_pypi_readme": "hatch-fancy-pypi-readme>=22.3"}


def _at(document: Any, *keys: str) -> dict[str, Any]:
    """A table below a table, empty where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _path(table: dict[str, Any], key: str, default: str) -> str:
    value = table.get(key, default)
    return value if isinstance(value, str) else default


def _hatch(tool: dict[str, Any]) -> Iterator[BackendScript]:
    build = _at(tool, "hatch", "build")
    for hooks in (_at(build, "hooks"), _at(build, "targets", "wheel", "hooks")):
        if "custom" in hooks:
            path = _path(_at(hooks, "custom"), "path", "hatch_build.py")
            yield BackendScript(path, Phase.WHEEL, methods=("initialize",))
    metadata = _at(tool, "hatch", "metadata", "hooks")
    if "custom" in metadata:
        yield BackendScript(
            _path(_at(metadata, "custom"), "path", "hatch_build.py"), Phase.METADATA, methods=("update",)
        )
    version = _at(tool, "hatch", "version")
    if version.get("source") == "code":
        yield BackendScript(_path(version, "path", ""), Phase.METADATA)


def _pdm(tool: dict[str, Any]) -> Iterator[BackendScript]:
    build = _at(tool, "pdm", "build")
    yield BackendScript(_path(build, "custom-hook", "pdm_build.py"), Phase.METADATA)


def _poetry(tool: dict[str, Any]) -> Iterator[BackendScript]:
    poetry = _at(tool, "poetry")
    script = poetry["build"] if isinstance(poetry.get("build"), str) else _path(_at(poetry, "build"), "script", "")
    yield BackendScript(script, Phase.WHEEL, name="__main__")
