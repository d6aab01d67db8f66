"""Makes sdists, wheels, package indexes and conda channels for tests, all in memory and byte-for-byte repeatable."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import html
import io
import json
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from .server import Request, Response, Route

if sys.version_info >= (3, 14):
    from compression import zstd

    compress_zstd = zstd.compress
else:
    import zstandard

    compress_zstd = zstandard.compress

SdistFormat = Literal["tar.gz", "tgz", "tar.bz2", "tar.xz", "tar.zst", "tar", "zip"]
Files = Mapping[str, str | bytes]

HTML_TYPE = "application/vnd.pypi.simple.v1+html"
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
BUILDS_ITSELF = '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n'
CONDA_TIMESTAMP = 1_700_000_000_000


class PackageFile(NamedTuple):
    """A file as an index offers it."""

    filename: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def as_bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def pkg_info(
    name: str,
    version: str,
    requires: Iterable[str] = (),
    *,
    metadata_version: str = "2.2",
    dynamic: Iterable[str] = (),
    requires_python: str | None = None,
    extras: Iterable[str] = (),
) -> str:
    """The text of a PKG-INFO or METADATA file."""
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Dynamic: {field}" for field in dynamic]
    return "\n".join(lines) + "\n"


def make_tar(members: Iterable[tuple[tarfile.TarInfo | str, str | bytes]]) -> bytes:
    """An uncompressed tar of exactly these members; a TarInfo of one's own may say anything (links, devices, `..`)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, content in members:
            data = as_bytes(content)
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            if info.isreg():
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def make_zip(members: Iterable[tuple[zipfile.ZipInfo | str, str | bytes]]) -> bytes:
    """A deflated zip of exactly these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            info = zipfile.ZipInfo(member, (2024, 1, 1, 0, 0, 0)) if isinstance(member, str) else member
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, as_bytes(content))
    return out.getvalue()


def compress(data: bytes, kind: str) -> bytes:
    """Compressed bytes for the suffix of a tar: gz, bz2, xz, zst, or "" for none."""
    match kind:
        case "gz":
            return gzip.compress(data, 6, mtime=0)
        case "bz2":
            return bz2.compress(data)
        case "xz":
            return lzma.compress(data)
        case "zst":
            return bytes(compress_zstd(data))
        case "":
            return data
    raise ValueError(kind)


def metadata_backend(name: str, version: str, requires: Iterable[str] = ()) -> dict[str, str]:
    """The files of a tree whose own backend answers with metadata and needs nothing for it."""
    metadata = pkg_info(name, version, requires)
    folder = f"{name}-{version}.dist-info"
    backend = f"""\
import os
def prepare_metadata_for_build_wheel(directory, config_settings=None):
    os.mkdir(os.path.join(directory, {folder!r}))
    with open(os.path.join(directory, {folder!r}, "METADATA"), "w") as file:
        file.write({metadata!r})
    return {folder!r}
"""
    return {"pyproject.toml": BUILDS_ITSELF, "b.py": backend}


def make_sdist(
    name: str,
    version: str,
    files: Files,
    *,
    format: SdistFormat = "tar.gz",  # noqa: A002 -- read only as a keyword, where it says what it is
    top: str | None = None,
) -> PackageFile:
    """An sdist of these files under one folder (`top`; "" puts them at the archive's root)."""
    stem = f"{name.replace('-', '_')}-{version}"
    folder = stem if top is None else top
    members = [(f"{folder}/{path}" if folder else path, content) for path, content in sorted(files.items())]
    if format == "zip":
        return PackageFile(f"{stem}.zip", make_zip(members))
    kind = {"tar": "", "tgz": "gz"}.get(format, format.removeprefix("tar."))
    return PackageFile(f"{stem}.{format}", compress(make_tar(members), kind))


def make_wheel(
    name: str,
    version: str,
    files: Files | None = None,
    requires: Iterable[str] = (),
    *,
    tag: str = "py3-none-any",
    requires_python: str | None = None,
    extras: Iterable[str] = (),
    entry_points: str = "",
    metadata: str | None = None,
) -> PackageFile:
    """An installable wheel. `tag` may be compressed ("py2.py3-none-any"); `metadata` replaces the METADATA."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    text = metadata or pkg_info(
        name, version, requires, metadata_version="2.1", requires_python=requires_python, extras=extras
    )
    python, abi, platform = tag.split("-")
    tags = [f"{p}-{a}-{s}" for p in python.split(".") for a in abi.split(".") for s in platform.split(".")]
    pure = "true" if platform == "any" else "false"
    contents = {path: as_bytes(content) for path, content in (files or {}).items()}
    contents[f"{info}/METADATA"] = text.encode()
    contents[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {pure}\n" + "".join(f"Tag: {t}\n" for t in tags)
    ).encode()
    if entry_points:
        contents[f"{info}/entry_points.txt"] = entry_points.encode()
    record = "".join(f"{path},sha256={_record_hash(data)},{len(data)}\n" for path, data in contents.items())
    contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    return PackageFile(f"{stem}-{tag}.whl", make_zip(contents.items()))


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def wheel_metadata(wheel: PackageFile) -> bytes:
    """The METADATA of a wheel made here."""
    with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
        return archive.read(next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA")))


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A file with what an index page says of it (which may be a lie: `sha256`)."""

    file: PackageFile
    sha256: str | None
    requires_python: str | None = None
    yanked: str | bool = False
    upload_time: str | None = None
    core_metadata: bool = False


class PackageIndex:
    """A simple index in memory: `add` files, then hand `routes()` to a `Server`.

    Pages are HTML; with `json` a client that accepts PEP 691 gets JSON instead. `core_metadata` offers PEP 658 files.
    """

    def __init__(self, files: Iterable[PackageFile] = (), *, json: bool = False, core_metadata: bool = False) -> None:
        self.json = json
        self.core_metadata = core_metadata
        self.projects: dict[str, list[IndexedFile]] = {}
        for file in files:
            self.add(file)

    def add(
        self,
        file: PackageFile,
        *,
        project: str | None = None,
        sha256: str | None = "",
        requires_python: str | None = None,
        yanked: str | bool = False,
        upload_time: str | None = None,
        core_metadata: bool | None = None,
    ) -> PackageIndex:
        """Offers a file. `sha256` "" means the true one, None that the page gives none; `upload_time` is ISO 8601."""
        name = canonicalize_name(project) if project else _project_of(file.filename)
        offers = self.core_metadata if core_metadata is None else core_metadata
        entry = IndexedFile(
            file=file,
            sha256=file.sha256 if sha256 == "" else sha256,
            requires_python=requires_python,
            yanked=yanked,
            upload_time=upload_time,
            core_metadata=offers and file.filename.endswith(".whl"),
        )
        self.projects.setdefault(name, []).append(entry)
        return self

    def routes(self, simple: str = "/simple", files: str = "/files") -> dict[str, Route]:
        """Every page and file by its path on a server."""
        routes: dict[str, Route] = {f"{simple}/": self._negotiated(self._root_html(), self._root_json())}
        for project, entries in self.projects.items():
            page = self._negotiated(self._page_html(project, entries, files), self._page_json(project, entries, files))
            routes[f"{simple}/{project}/"] = page
            for entry in entries:
                path = f"{files}/{entry.file.filename}"
                routes[path] = Response(entry.file.data)
                if entry.core_metadata:
                    routes[f"{path}.metadata"] = Response(wheel_metadata(entry.file))
        return routes

    def _negotiated(self, as_html: str, as_json: dict[str, Any]) -> Route:
        html_page = Response(as_html.encode(), content_type="text/html; charset=utf-8")
        json_page = Response(json.dumps(as_json).encode(), content_type=JSON_TYPE)

        def answer(request: Request) -> Response:
            return json_page if self.json and JSON_TYPE in request.headers.get("accept", "") else html_page

        return answer

    def _root_html(self) -> str:
        links = "".join(f'<a href="{project}/">{project}</a><br>' for project in sorted(self.projects))
        return f"<!DOCTYPE html><html><body>{links}</body></html>"

    def _root_json(self) -> dict[str, Any]:
        return {"meta": {"api-version": "1.1"}, "projects": [{"name": project} for project in sorted(self.projects)]}

    def _page_html(self, project: str, entries: list[IndexedFile], files: str) -> str:
        links = []
        for entry in entries:
            attributes = {
                "href": f"{files}/{entry.file.filename}" + (f"#sha256={entry.sha256}" if entry.sha256 else "")
            }
            if entry.requires_python:
                attributes["data-requires-python"] = entry.requires_python
            if entry.yanked is not False:
                attributes["data-yanked"] = "" if entry.yanked is True else entry.yanked
            if entry.core_metadata:
                attributes["data-core-metadata"] = f"sha256={hashlib.sha256(wheel_metadata(entry.file)).hexdigest()}"
            spelled = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes.items())
            links.append(f"<a {spelled}>{html.escape(entry.file.filename)}</a><br>")
        head = f'<meta name="pypi:repository-version" content="1.1"><title>Links for {project}</title>'
        return f"<!DOCTYPE html><html><head>{head}</head><body>\n" + "\n".join(links) + "\n</body></html>"

    def _page_json(self, project: str, entries: list[IndexedFile], files: str) -> dict[str, Any]:
        listed = []
        for entry in entries:
            item: dict[str, Any] = {
                "filename": entry.file.filename,
                "url": f"{files}/{entry.file.filename}",
                "hashes": {"sha256": entry.sha256} if entry.sha256 else {},
                "size": len(entry.file.data),
                "yanked": entry.yanked,
            }
            if entry.requires_python:
                item["requires-python"] = entry.requires_python
            if entry.upload_time:
                item["upload-time"] = entry.upload_time
            if entry.core_metadata:
                item["core-metadata"] = {"sha256": hashlib.sha256(wheel_metadata(entry.file)).hexdigest()}
            listed.append(item)
        return {"meta": {"api-version": "1.1"}, "name": project, "files": listed}


def _project_of(filename: str) -> str:
    if filename.endswith(".whl"):
        return parse_wheel_filename(filename)[0]
    if filename.endswith((".tar.gz", ".zip")):
        return parse_sdist_filename(filename)[0]
    return canonicalize_name(filename.rpartition("-")[0])


def conda_record(
    name: str,
    version: str,
    build: str = "0",
    *,
    subdir: str = "noarch",
    depends: Iterable[str] = (),
    constrains: Iterable[str] = (),
    build_number: int = 0,
    **extra: Any,
) -> dict[str, Any]:
    """One repodata record; `extra` adds keys such as `purls`, `track_features`, `timestamp` or `noarch="generic"`."""
    filename = f"{name}-{version}-{build}.tar.bz2"
    record: dict[str, Any] = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": build_number,
        "depends": list(depends),
        "constrains": list(constrains),
        "subdir": subdir,
        "license": "MIT",
        "timestamp": CONDA_TIMESTAMP,
        "size": 1000,
        "md5": hashlib.md5(filename.encode()).hexdigest(),
        "sha256": hashlib.sha256(filename.encode()).hexdigest(),
    }
    if subdir == "noarch":
        record["noarch"] = "python"
    return record | extra


def channel_files(records: Iterable[dict[str, Any]], subdirs: Iterable[str] = ("linux-64",)) -> dict[str, bytes]:
    """A channel of repodata alone: path → bytes, with every subdir of the records, `subdirs` and noarch."""
    repodata: dict[str, dict[str, Any]] = {subdir: {} for subdir in (*subdirs, "noarch")}
    for record in records:
        filename = f"{record['name']}-{record['version']}-{record['build']}.tar.bz2"
        repodata.setdefault(record["subdir"], {})[filename] = record
    return {
        f"{subdir}/repodata.json": json.dumps(
            {"info": {"subdir": subdir}, "packages": packages, "packages.conda": {}, "repodata_version": 1}
        ).encode()
        for subdir, packages in repodata.items()
    }


def channel_routes(
    records: Iterable[dict[str, Any]], base: str = "/channel", subdirs: Iterable[str] = ("linux-64",)
) -> dict[str, Route]:
    """The same channel for a `Server`."""
    files = channel_files(records, subdirs)
    return {f"{base}/{path}": Response(data, content_type="application/json") for path, data in files.items()}


def write_channel(root: Path, records: Iterable[dict[str, Any]], subdirs: Iterable[str] = ("linux-64",)) -> str:
    """The same channel as a folder; returns its file:// URL."""
    write_files(root, channel_files(records, subdirs))
    return root.resolve().as_uri()


def write_files(root: Path, files: Files) -> Path:
    """Writes path → content below `root`, folders included, and returns `root`."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(as_bytes(content))
    return root
