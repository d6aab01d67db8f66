"""The project that an address without a name means: read from what lies there, or from how it is called."""

from __future__ import annotations

import ast
import configparser
import posixpath
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

from .model import GitSource, PathSource, UrlSource
from .surroundings import Surroundings

__all__ = ["named_by"]


def named_by(source: GitSource | PathSource | UrlSource, fragment: str, surroundings: Surroundings) -> tuple[str, bool]:
    """The name of what a source holds, and whether it is sure: "" where nothing says it.

    `fragment` is the URL's, with `egg=name` perhaps. A folder says it in pyproject.toml, setup.cfg or a literal in
    setup.py; an archive by its file name. The name of a repository is a guess, and that of any other folder.
    """
    options = dict(part.partition("=")[::2] for part in fragment.split("&") if part)
    egg = unquote(options.get("egg", "")).partition("[")[0]
    if egg:
        return egg, True
    if isinstance(source, PathSource):
        file_name = posixpath.basename(source.path.rstrip("/"))
        archive = _archive_name(file_name)
        if archive:
            return archive, True
        found = _folder_name(source.path, surroundings)
        builds = {"setup.py", "pyproject.toml"} & set(surroundings.names(source.path))
        guess = surroundings.called(source.path) if builds else file_name.strip(".")
        return (found, True) if found else (guess, False)
    path = urlsplit(source.url).path.rstrip("/")
    last = unquote(posixpath.basename(path))
    if isinstance(source, UrlSource):
        archive = _archive_name(last)
        return archive, bool(archive)
    inner = posixpath.basename((source.subdirectory or "").rstrip("/"))
    return inner or last.removesuffix(".git"), False


def _archive_name(file_name: str) -> str:
    try:
        if file_name.endswith(".whl"):
            return str(parse_wheel_filename(file_name)[0])
        return str(parse_sdist_filename(file_name)[0])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""


def _folder_name(folder: str, surroundings: Surroundings) -> str:
    readers = (("pyproject.toml", _of_pyproject), ("setup.cfg", _of_setup_cfg), ("setup.py", _of_setup_py))
    for file, read in readers:
        text = surroundings.text(posixpath.join(folder, file))
        name = read(text) if text is not None else ""
        if name:
            return name
    return ""


def _of_pyproject(text: str) -> str:
    try:
        data: object = tomli.loads(text)
    except (tomli.TOMLDecodeError, RecursionError):
        return ""
    for keys in (("project", "name"), ("tool", "poetry", "name"), ("tool", "flit", "metadata", "module")):
        found = data
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, str) and found:
            return found
    return ""


def _of_setup_cfg(text: str) -> str:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
        return canonicalize_name(parser.get("metadata", "name", fallback=""))
    except configparser.Error:
        return ""


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
