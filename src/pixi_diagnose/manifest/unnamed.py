"""The project that an address without a name means: read from what lies there, or from how it is called."""

from __future__ import annotations

import ast
import configparser
import posixpath
import re
import warnings
from urllib.parse import unquote, urlsplit

import tomli
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from ..lazy_dataclass import dataclass
from .addresses import is_project_name
from .model import GitSource, PathSource, UrlSource
from .surroundings import Surroundings

__all__ = ["FoundName", "named_by"]

_HEADER = re.compile(r"(?i:(name|version)):[ \t]*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class FoundName:
    """What an address means: `name` ("" where nothing says it), and whether it is `sure` or a guess.

    `before_build` says whether uv finds the name too, before it builds anything (crates/uv-requirements/src/unnamed.rs,
    seen with 0.13.8). pip builds without one.
    """

    name: str
    sure: bool = True
    before_build: bool = False


def named_by(source: GitSource | PathSource | UrlSource, fragment: str, surroundings: Surroundings) -> FoundName:
    """The name of what a source holds.

    `fragment` is the URL's, with `egg=name` perhaps. A folder says it in its own files, of which uv reads PKG-INFO,
    `[project]`, `[tool.poetry]` and setup.cfg; an archive by its file name. The name of a repository is a guess, and
    that of any other folder.
    """
    options = dict(part.partition("=")[::2] for part in fragment.split("&") if part)
    egg = unquote(options.get("egg", "")).partition("[")[0]
    found = _named_there(source, surroundings)
    return FoundName(egg, before_build=found.before_build) if egg else found


def _named_there(source: GitSource | PathSource | UrlSource, surroundings: Surroundings) -> FoundName:
    if isinstance(source, PathSource):
        file_name = posixpath.basename(source.path.rstrip("/"))
        archive = _archive_name(file_name)
        return FoundName(archive, before_build=True) if archive else _folder_name(source.path, file_name, surroundings)
    try:
        url = urlsplit(source.url)
    except ValueError:  # half of an IPv6 address
        return FoundName("", sure=False)
    last = unquote(posixpath.basename(url.path.rstrip("/")))
    if isinstance(source, UrlSource):
        archive = _archive_name(last)
        # uv takes no name from an archive that GitHub makes of a repository
        made = url.hostname == "github.com" and "archive" in url.path.split("/")
        return FoundName(archive, sure=bool(archive), before_build=bool(archive) and not made)
    inner = posixpath.basename((source.subdirectory or "").rstrip("/"))
    return FoundName(inner or last.removesuffix(".git"), sure=False)


def _archive_name(file_name: str) -> str:
    try:
        if file_name.endswith(".whl"):
            return str(parse_wheel_filename(file_name)[0])
        return str(parse_sdist_filename(file_name)[0])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""


def _folder_name(folder: str, file_name: str, surroundings: Surroundings) -> FoundName:
    readers = (
        ("PKG-INFO", _of_pkg_info, True),
        ("pyproject.toml", _of_pyproject, True),
        ("setup.cfg", _of_setup_cfg, True),
        ("pyproject.toml", _of_flit, False),
        ("setup.py", _of_setup_py, False),
    )
    for file, read, before_build in readers:
        text = surroundings.text(posixpath.join(folder, file))
        name = read(text) if text is not None else ""
        if name:
            return FoundName(name, before_build=before_build)
    builds = {"setup.py", "pyproject.toml"} & set(surroundings.names(folder))
    return FoundName(surroundings.called(folder) if builds else file_name.strip("."), sure=False)


def _of_pkg_info(text: str) -> str:
    """Its Name, where it has a Version as well: uv drops a file without."""
    headers: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            break
        match = _HEADER.fullmatch(line)
        if match:
            headers.setdefault(match[1].lower(), match[2])
    name = headers.get("name", "")
    return name if headers.get("version") and is_project_name(name) else ""


def _of_pyproject(text: str) -> str:
    return _at(text, ("project", "name")) or _at(text, ("tool", "poetry", "name"))


def _of_flit(text: str) -> str:
    return _at(text, ("tool", "flit", "metadata", "module"))


def _at(text: str, keys: tuple[str, ...]) -> str:
    try:
        found: object = tomli.loads(text)
    except (tomli.TOMLDecodeError, RecursionError):
        return ""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


class _CaseKept(configparser.RawConfigParser):
    """A reader for which `Name` is not `name`."""

    def optionxform(self, optionstr: str) -> str:
        """A key as it is spelled."""
        return optionstr


def _of_setup_cfg(text: str) -> str:
    parser = _CaseKept(strict=False)
    try:
        parser.read_string(text)
        name = parser.get("metadata", "name", fallback="")
    except configparser.Error:
        return ""
    return canonicalize_name(name) if is_project_name(name) else ""


def _of_setup_py(text: str) -> str:
    """The literal `name=` of a call to setup: read, not run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "setup":
            for keyword in node.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value)
    return ""
