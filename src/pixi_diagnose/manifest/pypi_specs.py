"""PyPI dependencies in a pixi manifest (pixi.md P2), and PEP 508 requirements in its pyproject.toml."""

from __future__ import annotations

from ..pep508 import canonicalize_name, normal_specifier
from .addresses import check_project_name, check_url
from .direct_references import direct_source
from .fields import Node, Problems, Table
from .model import GitSource, PathSource, PypiSpec, UrlSource

__all__ = ["pypi_requirement", "read_pypi_table"]


def read_pypi_table(problems: Problems, node: Node) -> tuple[PypiSpec, ...]:
    """The entries of a `pypi-dependencies` or `dependency-overrides` table; a later spelling of a name replaces it."""
    specs: dict[str, PypiSpec] = {}
    if not problems.table(node):
        return ()
    for spelled, value in node.items():
        valid = True
        try:
            check_project_name(spelled)
        except ValueError as error:
            problems.add("invalid", str(error), value.key, at="key")
            valid = False
        spec = _read_spec(problems, spelled, value)
        if valid and spec is not None:
            specs[spec.name] = spec
    return tuple(specs.values())


def pypi_requirement(problems: Problems, node: Node, *, keep_spelling: bool = False) -> PypiSpec | None:
    """A PEP 508 string of `[project]`, a dependency group or a setting of uv; None after noting that it is none.

    pixi keeps and shows only the normalised name of such a requirement (pixi 0.77).
    """
    from packaging.requirements import InvalidRequirement, Requirement

    text = problems.string(node)
    if text is None:
        return None
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        problems.invalid(node, f"'{text}' is not a valid requirement: {str(error).splitlines()[0]}")
        return None
    name = canonicalize_name(requirement.name)
    return PypiSpec(
        name=name,
        spelled=requirement.name if keep_spelling else name,
        specifier=str(requirement.specifier),
        place=problems.place(node.key),
        extras=tuple(sorted(requirement.extras)),
        marker=str(requirement.marker or ""),
        source=direct_source(requirement.url) if requirement.url else None,
    )


def _read_spec(problems: Problems, spelled: str, node: Node) -> PypiSpec | None:
    name, place = canonicalize_name(spelled), problems.place(node.key)
    if isinstance(node.value, str):
        specifier = problems.parsed(node, _specifier)
        return None if specifier is None else PypiSpec(name, spelled, specifier, place)
    mark = problems.mark
    table = Table(problems, node)
    specifier = table.parsed("version", _specifier)
    extras = table.read("extras", lambda field: problems.array(field, lambda e: problems.parsed(e, check_project_name)))
    path = table.string("path")
    editable = table.boolean("editable")
    git = table.parsed("git", check_url)
    branch, tag, rev = table.string("branch"), table.string("tag"), table.string("rev")
    lfs = table.boolean("lfs")
    url = table.parsed("url", check_url)
    subdirectory = table.string("subdirectory")
    index = table.parsed("index", check_url)
    marker = table.parsed("env-markers", _marker)
    table.finish(lambda key: "write 'env-markers'" if key in {"markers", "marker"} else "")
    if problems.errors_since(mark):
        return None
    references = [value for value in (branch, tag, rev) if value is not None]
    origins = [key for key, value in (("git", git), ("path", path), ("url", url)) if value is not None]
    if git is None and (references or lfs is not None):
        problems.invalid(node, "`branch`, `rev`, `tag` and `lfs` are only valid when `git` is specified")
    elif len(references) > 1:
        problems.invalid(node, "only one of `branch`, `tag` or `rev` can be specified")
    elif origins and specifier is not None:
        problems.invalid(node, f"`version` cannot be used with `{origins[0]}`")
    elif len(origins) > 1 or (origins and index is not None):
        problems.invalid(node, "exactly one of `url`, `path`, `git` or `version` must be specified")
    if problems.errors_since(mark):
        return None
    source: PathSource | GitSource | UrlSource | None = None
    if path is not None:
        source = PathSource(path, editable=bool(editable))
    elif git is not None:
        source = GitSource(git, branch, tag, rev, subdirectory, lfs=bool(lfs))
    elif url is not None:
        source = UrlSource(url, subdirectory)
    return PypiSpec(name, spelled, specifier or "", place, extras or (), marker or "", index, source)


def _specifier(text: str) -> str:
    if text == "*":
        return ""
    try:
        return normal_specifier(text)
    except ValueError:
        raise ValueError(_explain_specifier(text)) from None


def _explain_specifier(text: str) -> str:
    if text.startswith(("/", ".", "\\", "~/")):
        return f'this looks like a path dependency; write it as {{ path = "{text}" }}'
    if "git" in text:
        return f'this looks like a git dependency; write it as {{ git = "{text}" }}'
    if "://" in text:
        return f'this looks like a URL dependency; write it as {{ url = "{text}" }}'
    if ";" in text:
        return f"'{text}' holds a marker; write it as {{ version = …, env-markers = … }}"
    return f"'{text}' is not a PEP 440 version specifier; it needs an operator such as == or >="


def _marker(text: str) -> str:
    from packaging.markers import InvalidMarker, Marker

    try:
        return str(Marker(text))
    except InvalidMarker as error:
        raise ValueError(f"'{text}' is not a valid marker: {str(error).splitlines()[0]}") from None
