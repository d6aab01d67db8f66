"""pixi.lock, versions 1 to 7 → PixiLock (pixi.md P9; the format as rattler_lock 0.32 reads it).

Versions 4 to 7 are read here where they are written as pixi writes them. Older ones, and what another hand has written
as YAML, are first rewritten by py-rattler, pixi's own reader, which then also says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..errors import LockError
from ..pep508 import canonicalize_name
from .model import (
    NEWEST,
    CondaRecord,
    LockedEnvironment,
    LockedPackages,
    LockedPlatform,
    PixiLock,
    PypiRecord,
    is_tree,
)
from .regular_yaml import IrregularYamlError, read_regular_yaml

__all__ = ["read_pixi_lock"]

OLDEST_READ_HERE = 4

_VERSION = re.compile(r"^version: *['\"]?(\d{1,9})['\"]? *(?:#.*)?\r?$", re.MULTILINE)
_ARCHIVE = re.compile(r"(?P<name>[^/]+)-(?P<version>[^-/]+)-(?P<build>[^-/]+)(?:\.conda|\.tar\.bz2)")
_SELECTORS = ("build_number", "md5", "sha256", "license")

Entry = Mapping[str, Any]


def read_pixi_lock(text: str, path: str) -> PixiLock:
    """The lock's content; `path` names the file in messages.

    Raises LockError naming the part that cannot be read, also for a version that pixi 0.77 does not know (then its
    `version` says which).
    """
    found = _VERSION.search(text)
    if found is None:
        is_pointer = text.startswith("version https://git-lfs")
        raise LockError("it is a Git LFS pointer" if is_pointer else "it does not say its version", path=path)
    version = int(found[1])
    if not 1 <= version <= NEWEST:
        raise LockError(f"its format, version {version}, is unknown to pixi 0.77", path=path, version=version)
    document = _as_written(text) if version >= OLDEST_READ_HERE else None
    if document is not None:
        return _Reader(path, version, version).lock(document)
    try:
        return _Reader(path, version, NEWEST).lock(read_regular_yaml(_rewritten(text, path)))
    except IrregularYamlError as error:
        raise LockError(f"as py-rattler rewrites it, {error}", path=path) from error


def _as_written(text: str) -> Any:
    """The document of a text that pixi has written, None for any other."""
    try:
        return read_regular_yaml(text.replace("\r\n", "\n"))
    except IrregularYamlError:
        return None


def _rewritten(text: str, path: str) -> str:
    """The same lock as pixi writes it today, by pixi's own reader and writer."""
    import tempfile

    from rattler import LockFile

    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder, "old.lock"), Path(folder, "new.lock")
        old.write_text(text, encoding="utf-8")
        try:
            LockFile.from_path(old).to_path(new)
        except BaseException as error:
            # a panic of the library derives from BaseException
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise LockError(" ".join(str(error).split()) or "it is no lock", path=path) from error
        return new.read_text(encoding="utf-8")


class _Reader:
    """`version` is the lock's own, `written` the format in which the document at hand is written."""

    def __init__(self, path: str, version: int, written: int) -> None:
        self._path = path
        self._version = version
        self._written = written

    def lock(self, document: Any) -> PixiLock:
        """The whole document."""
        top = self._mapping(document, "the file")
        environments = self._mapping(top.get("environments"), "environments")
        conda, pypi = self._packages(self._sequence(top.get("packages"), "packages"))
        platforms = self._platforms(top, environments)
        found = {
            name: self._environment(self._mapping(e, f"environments.{name}"), name, conda, pypi, platforms)
            for name, e in environments.items()
        }
        return PixiLock(self._version, platforms, found)

    def _platforms(self, top: Entry, environments: Entry) -> dict[str, LockedPlatform]:
        """Before version 7 there was no list of platforms: their names are subdirs."""
        if self._written < NEWEST or self._version < NEWEST:
            names = [n for e in environments.values() for n in self._mapping(e, "environments").get("packages") or {}]
            return {name: LockedPlatform(name, name) for name in names}
        found = {}
        for entry in self._sequence(top.get("platforms"), "platforms"):
            item = self._mapping(entry, "platforms")
            name = self._text(item, "name", "platforms")
            packages = self._texts(item.get("virtual-packages"), f"platforms.{name}")
            found[name] = LockedPlatform(name, str(item.get("subdir") or name), packages)
        return found

    def _environment(
        self,
        entry: Entry,
        name: str,
        conda: Mapping[tuple[str, str], list[CondaRecord]],
        pypi: Mapping[str, PypiRecord],
        platforms: Mapping[str, LockedPlatform],
    ) -> LockedEnvironment:
        where = f"environments.{name}"
        channels = self._sequence(entry.get("channels"), f"{where}.channels")
        options = self._mapping(entry.get("options") or {}, f"{where}.options")
        indexes = entry.get("indexes")
        links = self._sequence(entry.get("find-links"), f"{where}.find-links")
        default = self._texts(indexes, f"{where}.indexes")[:1]
        packages = {}
        for platform, selectors in self._mapping(entry.get("packages"), f"{where}.packages").items():
            if platform not in platforms:
                raise self._wrong(f"{where}.packages.{platform} is not among its platforms")
            listed = self._sequence(selectors, f"{where}.packages.{platform}")
            packages[platform] = self._selected(listed, f"{where}.packages.{platform}", conda, pypi, default)
        return LockedEnvironment(
            channels=tuple(
                c if isinstance(c, str) else self._text(self._mapping(c, where), "url", where) for c in channels
            ),
            packages=packages,
            indexes=None if indexes is None else self._texts(indexes, f"{where}.indexes"),
            find_links=tuple(str(next(iter(self._mapping(link, where).values()), "")) for link in links),
            strategy=str(options.get("strategy", "highest")),
            channel_priority=str(options.get("channel-priority", "strict")),
            prerelease_mode=str(options.get("pypi-prerelease-mode", "if-necessary-or-explicit")),
        )

    def _selected(
        self,
        selectors: Iterable[Any],
        where: str,
        conda: Mapping[tuple[str, str], list[CondaRecord]],
        pypi: Mapping[str, PypiRecord],
        default_index: tuple[str, ...],
    ) -> LockedPackages:
        """The packages that an environment names, each once."""
        records: dict[tuple[str, str], CondaRecord] = {}
        projects: dict[str, PypiRecord] = {}
        for selector in selectors:
            kind, identity = self._identity(selector, where)
            if kind == "pypi":
                record = pypi.get(identity)
                if record is None:
                    raise self._wrong(f"{where} names {identity}, which is not among its packages")
                if self._version >= NEWEST and record.is_distribution and not record.index and not record.is_path:
                    # what a distribution does not say is the environment's first index
                    record = replace(record, index=default_index[0] if default_index else "")
                projects[identity] = record
            else:
                found = self._candidate(conda.get((kind, identity), []), selector, where.rpartition(".")[2])
                if found is None:
                    raise self._wrong(f"{where} names {identity}, which is not among its packages")
                records[identity, found.name] = found
        return LockedPackages(tuple(records.values()), tuple(projects.values()))

    def _candidate(self, records: Sequence[CondaRecord], selector: Entry, subdir: str) -> CondaRecord | None:
        """Before version 7 a selector may say more than the location, and one location may serve several subdirs."""
        if self._written >= NEWEST:
            return records[0] if records else None
        fields = [k for k in ("name", "version", "build", "subdir") if k in selector]
        fitting = [r for r in records if all(selector[k] == getattr(r, k) for k in fields)]
        return next((r for r in fitting if r.subdir == subdir), fitting[0] if fitting else None)

    def _packages(
        self, entries: Iterable[Any]
    ) -> tuple[dict[tuple[str, str], list[CondaRecord]], dict[str, PypiRecord]]:
        conda: dict[tuple[str, str], list[CondaRecord]] = {}
        pypi: dict[str, PypiRecord] = {}
        for number, entry in enumerate(entries):
            kind, identity = self._identity(entry, f"packages[{number}]")
            where = f"packages[{number}], {identity},"
            if kind == "pypi":
                pypi[identity] = self._pypi(entry, identity, where)
            else:
                conda.setdefault((kind, identity), []).append(self._conda(entry, kind, identity, where))
        return conda, pypi

    def _identity(self, entry: Any, where: str) -> tuple[str, str]:
        """What an entry or a selector is, and the location or identifier that tells it from others."""
        if not isinstance(entry, dict):
            raise self._wrong(f"{where} is no mapping")
        kind = entry.get("kind")
        if kind is not None:  # versions 4 and 5
            location = entry.get("url") or entry.get("path")
            if kind in {"conda", "pypi"} and isinstance(location, str):
                return kind, location
        for kind in ("conda", "pypi", "conda_source"):
            location = entry.get(kind)
            if isinstance(location, str):
                return kind, location
        raise self._wrong(f"{where} is neither conda, conda_source nor pypi")

    def _conda(self, entry: Entry, kind: str, location: str, where: str) -> CondaRecord:
        """A conda entry: what it leaves out shows in its location, as pixi derives it."""
        parts = location.rsplit("/", 2)
        archive = _ARCHIVE.fullmatch(parts[-1])
        derived = archive.groupdict() if archive else {}
        if kind == "conda_source":
            derived["name"] = location.partition("[")[0].strip()
        is_url = "://" in location
        channel = entry.get("channel") or (parts[0] + "/" if is_url and len(parts) > 2 else "")
        subdir = entry.get("subdir") or (parts[1] if is_url and len(parts) > 2 else "")
        name = entry.get("name") or derived.get("name")
        source = kind == "conda_source" or archive is None
        version = entry.get("version") or unquote(derived.get("version", ""))
        if not isinstance(name, str) or not isinstance(version, str) or not (source or version):
            raise self._wrong(f"{where} has no name or no version")
        purls = entry.get("purls")
        timestamp = entry.get("timestamp")
        return CondaRecord(
            location=location,
            name=name.lower(),
            version=version,
            build=str(entry.get("build") or unquote(derived.get("build", ""))),
            subdir=str(subdir),
            channel=str(channel),
            depends=self._texts(entry.get("depends"), where),
            purls=None if purls is None else self._texts(purls, where),
            timestamp=int(timestamp) if isinstance(timestamp, str) and timestamp.isdecimal() else None,
            selectors={key: str(entry[key]) for key in _SELECTORS if key in entry},
            extra_depends=self._extra_depends(entry, where) if "extra_depends" in entry else {},
            source=source,
        )

    def _extra_depends(self, entry: Entry, where: str) -> dict[str, tuple[str, ...]]:
        return {k: self._texts(v, where) for k, v in self._mapping(entry["extra_depends"], where).items()}

    def _pypi(self, entry: Entry, location: str, where: str) -> PypiRecord:
        version = str(entry.get("version") or "")
        if self._version < NEWEST and is_tree(location):
            version = ""  # a folder's version is not looked at
        return PypiRecord(
            name=canonicalize_name(self._text(entry, "name", where)),
            version=version,
            location=location,
            sha256=str(entry.get("sha256") or ""),
            index=str(entry.get("index") or ""),
            requires_dist=self._texts(entry.get("requires_dist"), where),
            requires_python=str(entry.get("requires_python") or ""),
        )

    def _mapping(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(f"{where} is no mapping")
        return value

    def _sequence(self, value: Any, where: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(f"{where} is no list")
        return value

    def _texts(self, value: Any, where: str) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self._wrong(f"{where} has a list of something else than text")
        return tuple(value)

    def _text(self, entry: Entry, key: str, where: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(f"{where} has no {key}")
        return value

    def _wrong(self, message: str) -> LockError:
        return LockError(message, path=self._path)
