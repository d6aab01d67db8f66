"""Requirements files (`requirements.txt`, `requirements.in`), as pip 26 and uv 0.13 (`uv pip`) read them.

Paths of projects are relative to the folder of the first file, where the tools are run; those of `-r` and `-c` to the
file that names them.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from ..connections import Connections
from ..errors import ManifestError
from ..evidence import Place, Unknown
from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from .addresses import check_project_name
from .direct_references import direct_source
from .fields import nearest
from .installer import BuildSettings, DeclaredRequirement, Installer, ProjectLayout, ResolutionSettings
from .invocation import Invocation
from .markers import check_marker
from .model import (
    EnvironmentDeclaration,
    Feature,
    FindLinks,
    GitSource,
    IsolationEntry,
    Manifest,
    ManifestProblem,
    PathSource,
    PypiOptions,
    PypiSpec,
    TargetTable,
    UnreadTable,
    UrlSource,
)
from .pip_configuration import PipConfiguration, read_pip_configuration
from .platforms import bare_platform
from .pypi_options import union
from .requirement_lines import RequirementLine, compiled_for, logical_lines
from .surroundings import Surroundings
from .target_python import target_python
from .unnamed import named_by
from .uv_discovery import FoundOptions, find_options
from .uv_installer import build_settings, connections_of, indexes_of, isolation_from, pypi_options
from .uv_options import UvOptions
from .uv_variables import boolean, named_files

__all__ = ["RequirementFiles", "read_pip_defaults", "read_requirement_files", "read_requirements_file"]

ENVIRONMENT = "default"

_PIP_OPTIONS = (
    *("--index-url", "--extra-index-url", "--no-index", "--constraint", "--requirement", "--editable"),
    *("--find-links", "--no-binary", "--only-binary", "--prefer-binary", "--require-hashes", "--pre"),
    *("--trusted-host", "--use-feature", "--all-releases", "--only-final"),
)
_IGNORED_BY_UV = ("--prefer-binary", "--pre", "--trusted-host", "--use-feature")
_UNKNOWN_TO_UV = ("--all-releases", "--only-final")
_OF_ONE_REQUIREMENT = ("--hash", "--config-settings", "--global-option")
_ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar")
_HASH = re.compile(
    r"(?:sha256:[0-9a-fA-F]{64}|sha384:[0-9a-fA-F]{96}|sha512:[0-9a-fA-F]{128}|(?:md5|blake2b|sha1|sha224):[0-9a-fA-F]+)"
)
_NAMED = re.compile(r"[A-Za-z0-9._-]+\s*(?:\[[^\]]*\]\s*)?@")
_ADDRESS = re.compile(r"(?P<address>.+?)(?:\[(?P<extras>[^\]\[]*)\])?(?P<fragment>#\S*)?")


@dataclass(slots=True)
class RequirementFiles:
    """What a requirements file and the files that it names come to."""

    specs: list[PypiSpec] = field(default_factory=list)
    constraints: list[PypiSpec] = field(default_factory=list)
    options: PypiOptions = PypiOptions()
    build_constraints: list[PypiSpec] = field(default_factory=list)
    overrides: list[PypiSpec] = field(default_factory=list)
    excludes: list[str] = field(default_factory=list)
    config_settings: dict[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    no_index: bool = False
    hashes_required: bool = False
    wheels_first: bool = False
    alone: bool = False
    no_build_isolation: bool = False
    connections: Connections = Connections()
    problems: list[ManifestProblem] = field(default_factory=list)
    unread: list[UnreadTable] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


def read_requirements_file(text: str, path: str, invocation: Invocation, surroundings: Surroundings) -> Manifest:
    """Read a requirements file for pip, or for `uv pip` where the invocation's frontend is "uv".

    What the tool would stop at are the manifest's problems, at their lines. Raises ManifestError for a file beside it
    that cannot be read.
    """
    uses_uv = invocation.frontend == "uv"
    name = PurePath(path).name
    read = read_requirement_files(text, path, name, surroundings, uses_uv=uses_uv)
    found, own = FoundOptions(), read.options
    settings = UvOptions()
    if uses_uv:
        root = str(PurePath(path).parent)
        found = find_options(
            surroundings,
            "",
            surroundings.text,
            lambda p: os.path.normpath(os.path.join(root, p)),  # noqa: PTH118
            pip=True,
        )
        settings = found.options
        overrides = (*read.overrides, *(settings.override_dependencies or ()))
        general = pypi_options(settings, invocation, overrides)
        if general.index_url is not None:  # uv 0.13.8 prefers its settings (seen)
            own = replace(own, index_url=None)
        own = union(replace(own, places={}), replace(general, index_strategy=general.index_strategy))
    else:
        own = replace(own, no_build_isolation=isolation_from(invocation, read.no_build_isolation or None))
    limits = (*read.build_constraints, *(settings.build_constraint_dependencies or ()))
    building = build_settings(settings, limits)
    return Manifest(
        dialect="requirements",
        path=path,
        root=str(PurePath(path).parent),
        name="",
        channels=(),
        platforms=tuple(bare_platform(subdir) for subdir in invocation.platforms),
        features={"default": Feature("default", (TargetTable(None, pypi=tuple(read.specs)),))},
        environments=(EnvironmentDeclaration(ENVIRONMENT),),
        options=own,
        pypi_exclude_newer=settings.exclude_newer or None,
        pypi_exclude_newer_packages=settings.exclude_newer_package or {},
        unread=(*read.unread, *found.unread),
        problems=(*read.problems, *found.problems),
        unknowns=(*read.unknowns, *found.unknowns),
        installer=Installer(
            interface="uv pip" if uses_uv else "pip",
            python=target_python(
                invocation.python,
                "",
                variable=surroundings.variable("UV_PYTHON") if uses_uv else None,
                version_file=surroundings.text(".python-version") if uses_uv else None,
                header=compiled_for(text),
            ),
            project=ProjectLayout(declared=tuple(map(DeclaredRequirement, read.specs))),
            resolution=ResolutionSettings(
                constraints=(*read.constraints, *(settings.constraint_dependencies or ())),
                strategy=settings.resolution or "highest",
                no_index=read.no_index or bool(settings.no_index),
                hashes_required=read.hashes_required,
                indexes=indexes_of(settings),
                connections=connections_of(settings, surroundings.variable) if uses_uv else read.connections,
                wheels_first=read.wheels_first,
                alone=read.alone or bool(settings.no_deps),
                excludes=(*read.excludes, *(e.name for e in settings.exclude_dependencies or ())),
            ),
            building=BuildSettings(
                extra_requirements=building.extra_requirements,
                extra_variables=building.extra_variables,
                constraints=building.constraints,
                metadata=building.metadata,
                config_settings=building.config_settings,
                project_config_settings={**building.project_config_settings, **read.config_settings},
            ),
            places=settings.places,
        ),
        files=dict(found.files) | read.files,
    )


def read_requirement_files(
    text: str,
    path: str,
    name: str,
    surroundings: Surroundings,
    *,
    uses_uv: bool,
    place_of: Callable[[RequirementLine], Place] | None = None,
) -> RequirementFiles:
    """What the tool is configured to, then the lines of one file and of all that it includes.

    `name` is its path relative to the folder of `surroundings`. The configuration is pip's own, or of uv the files that
    its variables name (its settings are read elsewhere). `place_of` says where a line stands if `text` is not the whole
    of the file (the pip section of an environment.yml).
    """
    reader = _Reader(str(PurePath(path).parent), surroundings, uses_uv)
    if uses_uv:
        reader.apply_variables()
    else:
        reader.apply(read_pip_configuration(surroundings))
    reader.file(text, path, name, constraints=False, place_of=place_of)
    if not uses_uv:
        reader.pass_over_untrusted()
    return reader.read


def read_pip_defaults(path: str, surroundings: Surroundings) -> RequirementFiles:
    """What pip's own configuration gives to an input in the folder of `path` that has no options itself."""
    reader = _Reader(str(PurePath(path).parent), surroundings, uses_uv=False)
    reader.apply(read_pip_configuration(surroundings))
    reader.pass_over_untrusted()
    return reader.read


class _Reader:
    def __init__(self, root: str, surroundings: Surroundings, uses_uv: bool) -> None:
        self.root = root
        self.surroundings = surroundings
        self.uses_uv = uses_uv
        self.read = RequirementFiles()
        self._seen: set[tuple[str, bool]] = set()

    def apply(self, configuration: PipConfiguration) -> None:
        """Start from the defaults that pip's configuration gives, as if they stood in the file."""
        read = self.read
        for name in ("index-url", "extra-index-url", "find-links", "constraint"):
            for word in configuration.words(name):
                self._configured(configuration.settings[name].place).option(f"--{name}", word)
        for setting in configuration.formats:
            self._configured(setting.place).option(f"--{setting.name}", setting.value)
        for name in ("no-index", "pre", "prefer-binary", "require-hashes"):
            if configuration.is_on(name):
                self._configured(configuration.settings[name].place).option(f"--{name}", "")
        for word in configuration.words("build-constraint"):
            place = configuration.settings["build-constraint"].place
            read.build_constraints += self._limits(word, place)
        if (switch := configuration.settings.get("no-build-isolation")) is not None:
            # pip 26 stores the switch's position as that of build isolation itself (a known oddity of its own)
            read.no_build_isolation = not switch.switched_on
            if switch.switched_on:
                reason = "pip takes it the other way round and keeps builds isolated: only `false` turns isolation off"
                read.unread.append(UnreadTable(switch.place, switch.where, reason))
        read.alone = configuration.is_on("no-deps")
        read.connections = configuration.connections(self.surroundings.variable)
        read.unknowns += configuration.unknowns
        read.files |= configuration.files

    def pass_over_untrusted(self) -> None:
        """Leave out the indexes and links that pip 26 passes over with a warning: those without https or trust."""
        read, options = self.read, self.read.options
        trusted = read.connections
        default, further, links = options.index_url, options.extra_index_urls or (), options.find_links or ()
        indexes = [url for url in (*further, *([default] if default else [])) if trusted.accepts(url)]
        kept = tuple(link for link in links if link.url is None or trusted.accepts(link.url))
        given = [
            ("index-url", "--index-url", default),
            *(("extra-index-urls", "--extra-index-url", u) for u in further),
        ]
        for key, name, url in (*given, *(("find-links", "--find-links", link.url) for link in links)):
            if url and not trusted.accepts(url):
                reason = f"pip passes over {urlsplit(url).hostname}: it is not https, and no trusted host"
                read.unread.append(UnreadTable(options.places[key], name, reason))
        if default and not trusted.accepts(default):
            # which of them is called the default makes no difference to pip
            read.no_index |= not indexes
            read.options = replace(options, index_url=indexes.pop() if indexes else None)
        elif default:
            indexes.pop()
        read.options = replace(
            read.options,
            extra_index_urls=tuple(indexes) if options.extra_index_urls is not None else None,
            find_links=kept if options.find_links is not None else None,
        )

    def apply_variables(self) -> None:
        """Start from the files that uv's variables name (uv 0.13.8: relative to where it runs)."""
        variable, read = self.surroundings.variable, self.read
        limits = {
            name: [s for path in named_files(variable, name) for s in self._limits(path, Place(name, ()))]
            for name in ("UV_CONSTRAINT", "UV_BUILD_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE")
        }
        read.constraints += limits["UV_CONSTRAINT"]
        read.build_constraints += limits["UV_BUILD_CONSTRAINT"]
        read.overrides += limits["UV_OVERRIDE"]
        read.excludes += [spec.name for spec in limits["UV_EXCLUDE"]]
        read.hashes_required = boolean(variable, "UV_REQUIRE_HASHES")

    def _limits(self, target: str, place: Place) -> list[PypiSpec]:
        """The lines of a file that is given beside the requirements; what is wrong with it is noted."""
        apart = _Reader(self.root, self.surroundings, self.uses_uv)
        apart.include(target, "", apart._configured(place), constraints=True)
        self.read.problems += apart.read.problems
        self.read.unknowns += apart.read.unknowns
        self.read.files |= apart.read.files
        return apart.read.constraints

    def _configured(self, place: Place) -> _Line:
        """A line that stands in no requirements file."""
        return _Line(self, RequirementLine(1, 1, ""), place, "", constraints=False, in_file=False)

    def file(
        self,
        text: str,
        path: str,
        name: str,
        *,
        constraints: bool,
        place_of: Callable[[RequirementLine], Place] | None = None,
    ) -> None:
        """Read one file; as constraints, its requirements only limit others."""
        self._seen.add((posixpath.normpath(name), constraints))
        for line in logical_lines(text, self.surroundings.variable):
            place = Place(path, (line.line,)) if place_of is None else place_of(line)
            _Line(self, line, place, posixpath.dirname(name), constraints).apply(in_file=place_of is None)

    def include(self, target: str, folder: str, line: _Line, *, constraints: bool) -> None:
        """Read the file that `-r` or `-c` names, relative to the file that names it."""
        if "://" in target and not target.startswith("file://"):
            self.read.unknowns.append(Unknown(f"the requirements at {target} were not read", subject=target))
            return
        name = target.removeprefix("file://") if target.startswith("file://") else posixpath.join(folder, target)
        if (posixpath.normpath(name), constraints) in self._seen:
            return
        path = os.path.normpath(os.path.join(self.root, name))  # noqa: PTH118
        text = self.surroundings.text(name)
        if text is None:
            line.refuse(f"the file {target} does not exist")
            return
        self.read.files[path] = text
        try:
            self.file(text, path, name, constraints=constraints)
        except RecursionError:
            raise ManifestError("these files include each other too deeply", path=path) from None


@dataclass(slots=True)
class _Line:
    """One logical line being read."""

    reader: _Reader
    line: RequirementLine
    place: Place
    folder: str
    constraints: bool
    in_file: bool = True

    def apply(self, *, in_file: bool) -> None:
        self.in_file = in_file
        if self.line.fault:
            self.refuse(self.line.fault)
        elif self.line.continued and self.reader.uses_uv:
            self.refuse("uv reads no requirement that goes on in the next line", "only its hashes may stand there")
        elif self.line.requirement:
            self._requirement(self.line.requirement, self.line.options)
        else:
            self._options()

    def refuse(self, message: str, hint: str = "") -> None:
        """Note that the tool stops at this line."""
        position = (self.line.line, self.line.column) if self.in_file else None
        self.reader.read.problems.append(ManifestProblem("invalid", message, self.place, hint, position=position))

    # Options

    def _options(self) -> None:
        options = self.line.options
        if not self.reader.uses_uv:  # pip takes the index of a line first
            options = tuple(sorted(options, key=lambda option: option[0] != "--index-url"))
        for number, (name, value) in enumerate(options):
            if name == "--editable":
                self._editable(value or "", options[number + 1 :])
                return
            if name in _OF_ONE_REQUIREMENT:
                self.refuse(f"`{name}` belongs behind a requirement")
            elif name not in _PIP_OPTIONS or (self.reader.uses_uv and name in _UNKNOWN_TO_UV):
                hint = nearest(name, _PIP_OPTIONS)
                tool = "uv" if self.reader.uses_uv else "pip"
                self.refuse(f"{tool} knows no option `{name}` in a requirements file", hint)
            else:
                self.option(name, value or "")

    def option(self, name: str, value: str) -> None:
        """Apply one option of a line."""
        read = self.reader.read
        if name in {"--requirement", "--constraint"}:
            constraints = self.constraints or name == "--constraint"
            self.reader.include(value, self.folder, self, constraints=constraints)
        elif name == "--no-index":
            read.no_index = True
        elif name == "--require-hashes":
            read.hashes_required = True
        elif name in _IGNORED_BY_UV and self.reader.uses_uv:
            reason = f"uv ignores `{name}` in a requirements file"
            reason += ": it takes it on its command line" if name in {"--pre", "--trusted-host"} else ""
            read.unread.append(UnreadTable(self.place, name, reason))
        elif name == "--trusted-host":
            connections = read.connections
            read.connections = replace(connections, unverified=(*connections.unverified, value))
        elif name == "--prefer-binary":
            read.wheels_first = True
        elif name == "--pre":
            self._set(prerelease_mode="allow")
        elif name == "--index-url":
            if read.options.index_url is not None and self.reader.uses_uv:
                self.refuse("multiple `--index-url` values provided")
            # for pip it takes the place of all indexes that were named before
            self._set(index_url=value, **({} if self.reader.uses_uv else {"extra_index_urls": None}))
        elif name == "--extra-index-url":
            self._set(extra_index_urls=(*(read.options.extra_index_urls or ()), value))
        elif name == "--find-links":
            self._set(find_links=(*(read.options.find_links or ()), self._find_links(value)))
        elif name in {"--no-binary", "--only-binary"}:
            self._formats("no_binary" if name == "--no-binary" else "no_build", value)

    def _set(self, **values: object) -> None:
        options = self.reader.read.options
        places = {**options.places, **{name.replace("_", "-"): self.place for name in values}}
        self.reader.read.options = replace(options, **values, places=places)  # type: ignore[arg-type]

    def _find_links(self, location: str) -> FindLinks:
        if "://" in location:
            return FindLinks(url=location)
        beside = posixpath.normpath(posixpath.join(self.folder, location))
        return FindLinks(path=beside)

    def _formats(self, option: str, value: str) -> None:
        """Add to --no-binary or --only-binary; what pip hears last takes a name out of the other of the two."""
        other = "no_build" if option == "no_binary" else "no_binary"
        given, opposed = getattr(self.reader.read.options, option), getattr(self.reader.read.options, other)
        names: dict[str, IsolationEntry] = {e.name: e for e in given} if isinstance(given, tuple) else {}
        everything = given is True
        for spelled in filter(None, (part.strip() for part in value.split(","))):
            if spelled in {":all:", ":none:"}:
                everything, names = spelled == ":all:", {}
                opposed = None if everything and not self.reader.uses_uv else opposed
                continue
            try:
                check_project_name(spelled)
            except ValueError as error:
                self.refuse(str(error))
                return
            name = canonicalize_name(spelled)
            names[name] = IsolationEntry(name, spelled, self.place)
        if isinstance(opposed, tuple) and not self.reader.uses_uv:
            opposed = tuple(e for e in opposed if e.name not in names) or None
        self._set(**{option: True if everything else tuple(names.values())})
        self.reader.read.options = replace(self.reader.read.options, **{other: opposed})

    # Requirements

    def _editable(self, text: str, options: tuple[tuple[str, str | None], ...]) -> None:
        spec = self._named(text, quiet=False) if _NAMED.match(text) else self._address(text)
        if spec is None:
            return
        source = spec.source
        if isinstance(source, PathSource) and self.reader.surroundings.names(source.path):
            self._add(replace(spec, source=replace(source, editable=True)), options)
        elif isinstance(source, GitSource) or (isinstance(source, UrlSource) and not self.reader.uses_uv):
            self._add(spec, options)
        else:
            what = "a folder that is there, or a version-controlled address"
            self.refuse(f"'{text}' is not an editable requirement: {what} is expected")

    def _requirement(self, text: str, options: tuple[tuple[str, str | None], ...]) -> None:
        before = text.partition("@")[0]  # `name @ address` is named, whatever the address ends with
        looks_like_address = text.startswith((".", "/", "~")) or "://" in before or before.endswith(_ARCHIVES)
        spec = self._address(text) if looks_like_address else self._named(text, quiet="/" in text)
        if spec is None and not looks_like_address and "/" in text:
            spec = self._address(text)
            if spec is None:
                self.refuse(f"'{text}' is not a valid requirement")
        address = text.partition("@")[2].strip()
        if spec is not None and _NAMED.match(text) and not self.reader.uses_uv and not _has_scheme(address):
            # pip 26 takes a path behind the @ of an editable requirement only
            path = posixpath.normpath(address.partition(";")[0].strip())
            self.refuse(f"'{text}' has no URL behind the @", f"write `{spec.spelled} @ file:{path}`")
        elif spec is not None:
            self._add(spec, options)

    def _named(self, text: str, *, quiet: bool) -> PypiSpec | None:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            if not quiet:
                hint = "write `-r` before the name of a file" if text.endswith((".txt", ".in")) else ""
                self.refuse(f"'{text}' is not a valid requirement: {str(error).splitlines()[0]}", hint)
            return None
        if requirement.name.endswith((".txt", ".in")) and self.reader.surroundings.text(requirement.name) is not None:
            self.refuse(f"'{text}' is the name of a file", f"write `-r {text}`")
            return None
        return PypiSpec(
            name=canonicalize_name(requirement.name),
            spelled=requirement.name,
            specifier=str(requirement.specifier),
            place=self.place,
            extras=tuple(sorted(requirement.extras)),
            marker=str(requirement.marker or ""),
            source=self._local(requirement.url) if requirement.url else None,
        )

    def _local(self, url: str) -> GitSource | PathSource | UrlSource:
        """A direct reference, or a path without a scheme."""
        return direct_source(url) if _has_scheme(url) else PathSource(unquote(url))

    def _address(self, text: str) -> PypiSpec | None:
        """A path or URL without a name: `./dir[extra] ; marker`, `git+https://…#egg=name`."""
        address, _, marker = (
            re.split(r"((?<=\s);\s*|;\s+)", text, maxsplit=1) if re.search(r"\s;|;\s", text) else (text, "", "")
        )
        match = _ADDRESS.fullmatch(address.strip())
        if match is None:
            return None
        location, fragment = match["address"], (match["fragment"] or "").removeprefix("#")
        source = self._local(f"{location}#{fragment}" if fragment and "://" in location else location)
        if isinstance(source, PathSource):
            source = replace(source, path=posixpath.normpath(posixpath.expanduser(source.path)))
        found = named_by(source, fragment, self.reader.surroundings)
        name = found.name
        try:
            check_project_name(name)
            marker = check_marker(marker) if marker.strip() else ""
        except ValueError as error:
            self.refuse(f"'{text}': {error}" if name else f"'{text}' names no project", "write it as `name @ address`")
            return None
        if not found.sure:
            reason = f"'{text}' does not say which project it is: taken for {name}"
            self.reader.read.unknowns.append(Unknown(reason, subject=name))
        extras = tuple(sorted(filter(None, (e.strip() for e in (match["extras"] or "").split(",")))))
        return PypiSpec(
            canonicalize_name(name),
            name,
            "",
            self.place,
            extras,
            marker,
            source=source,
            nameless=not found.before_build,
        )

    def _add(self, spec: PypiSpec, options: tuple[tuple[str, str | None], ...]) -> None:
        for name, value in options:
            if name == "--hash":
                if not _HASH.fullmatch(value or ""):
                    self.refuse(f"'{value}' is not a hash such as sha256:…")
                    return
                spec = replace(spec, hashes=(*spec.hashes, value or ""))
                # one hash makes pip demand them all
                self.reader.read.hashes_required |= not self.reader.uses_uv
            elif self.reader.uses_uv or name not in _OF_ONE_REQUIREMENT:
                self.refuse(f"expected `--hash`, found `{name}`")
                return
            elif name == "--config-settings":
                key, _, setting = (value or "").partition("=")
                known = self.reader.read.config_settings.get(spec.name, {})
                self.reader.read.config_settings[spec.name] = {**known, key: (*known.get(key, ()), setting)}
        if self.constraints and spec.source is not None and spec.extras:
            self.refuse("constraints cannot have extras")
            return
        (self.reader.read.constraints if self.constraints else self.reader.read.specs).append(spec)


def _has_scheme(address: str) -> bool:
    return ":" in address.partition("/")[0]
