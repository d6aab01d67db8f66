"""`environment.yml`: conda packages, and a section for pip, which conda runs after it has installed them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from ..document.yaml_document import YamlDocument
from ..errors import ManifestError
from ..evidence import Place, Unknown
from .fields import Node, Problems, nearest
from .installer import BuildSettings, DeclaredRequirement, Installer, ProjectLayout, ResolutionSettings, TargetPython
from .invocation import Invocation
from .match_specs import parse_match_spec
from .model import CondaSpec, EnvironmentDeclaration, Feature, Manifest, TargetTable
from .platforms import SUBDIRS, bare_platform
from .problem_places import placed_problems
from .requirement_lines import RequirementLine
from .requirements import RequirementFiles, read_requirement_files
from .search import CONDA_FILES
from .surroundings import Surroundings
from .uv_installer import isolation_from

__all__ = ["read_conda_environment"]

_KEYS = ("name", "channels", "dependencies", "prefix", "variables", "platforms", "category")
_DEFAULTS = {"defaults": ("main", "r")}
"""Channels that are called otherwise where they are served."""
UNNAMED = "default"


def read_conda_environment(text: str, path: str, invocation: Invocation, surroundings: Surroundings) -> Manifest:
    """Read an environment.yml: one environment of its name, on the platforms that it or the command line names.

    Its specs are conda's, and its pip section is read as a requirements file in the same folder. What conda or pip
    would stop at are the manifest's problems. Raises ManifestError where the text is no YAML or no mapping.
    """
    document = YamlDocument(text, path)
    data = document.data
    if not data or not ("dependencies" in data or PurePath(path).name in CONDA_FILES):
        raise ManifestError("this is no conda environment: a mapping with `dependencies` is expected", path=path)
    return _Reader(document, Problems(path), invocation, surroundings).manifest(Node(data, ()))


class _Reader:
    def __init__(
        self, document: YamlDocument, problems: Problems, invocation: Invocation, surroundings: Surroundings
    ) -> None:
        self.document = document
        self.problems = problems
        self.invocation = invocation
        self.surroundings = surroundings
        self.unknowns: list[Unknown] = []

    def manifest(self, whole: Node) -> Manifest:
        problems, path = self.problems, self.document.path
        fields = dict(whole.items())
        for name, node in fields.items():
            if name not in _KEYS:
                problems.add(
                    "warning", f"conda ignores the key '{name}'", node.key, hint=nearest(name, _KEYS), at="key"
                )
        conda, lines = self._dependencies(fields.get("dependencies"))
        channels = self._channels(fields.get("channels"), conda)
        read = self._pip(lines)
        name = self._name(fields)
        platforms = tuple(bare_platform(subdir) for subdir in self._platforms(fields.get("platforms")))
        self._variables(fields.get("variables"))
        found = placed_problems(self.document, (*problems.found, *read.problems))
        return Manifest(
            dialect="conda",
            path=path,
            root=str(PurePath(path).parent),
            name=name,
            channels=channels,
            platforms=platforms,
            features={"default": Feature("default", (TargetTable(None, conda, tuple(read.specs)),))},
            environments=(EnvironmentDeclaration(name),),
            options=replace(
                read.options, no_build_isolation=isolation_from(self.invocation, read.no_build_isolation or None)
            ),
            unread=tuple(read.unread),
            problems=tuple(sorted(found, key=lambda p: p.position or (0, 0))),
            unknowns=(*self.unknowns, *read.unknowns),
            installer=Installer(
                interface="pip",
                python=TargetPython("", "conda"),
                project=ProjectLayout(declared=tuple(map(DeclaredRequirement, read.specs))),
                resolution=ResolutionSettings(
                    constraints=tuple(read.constraints),
                    no_index=read.no_index,
                    hashes_required=read.hashes_required,
                    connections=read.connections,
                    wheels_first=read.wheels_first,
                    alone=read.alone,
                ),
                building=BuildSettings(
                    constraints=tuple(read.build_constraints), project_config_settings=read.config_settings
                ),
            ),
            files=read.files,
        )

    def _name(self, fields: dict[str, Node]) -> str:
        for key in ("name", "prefix"):
            value = fields[key].value if key in fields else None
            if isinstance(value, str) and value:
                return value if key == "name" else posixpath.basename(value.rstrip("/")) or UNNAMED
        return UNNAMED

    def _channels(self, node: Node | None, conda: tuple[CondaSpec, ...]) -> tuple[str, ...]:
        """The channels in order; those that only a spec names come last, and `nodefaults` is none."""
        listed = () if node is None else self.problems.array(node, self.problems.string) or ()
        if node is None:
            self.unknowns.append(Unknown("no channels are named: `defaults` stands for those of conda's configuration"))
            listed = ("defaults",)
        named = (*listed, *(spec.channel for spec in conda if spec.channel))
        expanded = (each for channel in named for each in _DEFAULTS.get(channel, (channel,)))
        return tuple(dict.fromkeys(c for c in expanded if c != "nodefaults"))

    def _platforms(self, node: Node | None) -> tuple[str, ...]:
        """The file's own list (conda-lock's), else the target that was asked for."""

        def check(text: str) -> str:
            if text not in SUBDIRS:
                raise ValueError(f"'{text}' is not a known conda platform")
            return text

        if node is None:
            return self.invocation.platforms
        return self.problems.array(node, lambda n: self.problems.parsed(n, check)) or self.invocation.platforms

    def _variables(self, node: Node | None) -> None:
        """No build of pip's gets them: conda sets them when pip is done (conda 26.7, conda/cli/install.py)."""
        if node is not None:
            self.problems.mapping(node, str, self.problems.string)

    def _dependencies(self, node: Node | None) -> tuple[tuple[CondaSpec, ...], list[tuple[str, Place]]]:
        """The conda specs, and the lines of the pip section with their places."""
        conda: list[CondaSpec] = []
        lines: list[tuple[str, Place]] = []
        if node is None or node.value is None:
            return (), lines
        if not isinstance(node.value, list):
            self.problems.wanted(node, "a list")
            return (), lines
        for element in node.elements():
            if isinstance(element.value, dict):
                lines += self._installers(element)
            elif isinstance(element.value, str):
                place = self.problems.place(element.key)
                try:
                    conda.append(parse_match_spec(element.value, place))
                except ValueError as error:
                    self.problems.invalid(element, str(error))
            elif element.value is not None:
                self.problems.wanted(element, "a conda package, or a mapping such as `pip:`")
        return tuple(conda), lines

    def _installers(self, node: Node) -> Iterator[tuple[str, Place]]:
        for name, section in node.items():
            if name != "pip":
                hint = "only `pip` is one" if not nearest(name, ("pip",)) else nearest(name, ("pip",))
                self.problems.add("invalid", f"conda has no installer '{name}'", section.key, hint=hint, at="key")
            elif section.value is not None:
                entries = self.problems.array(section, lambda n: None if self.problems.string(n) is None else n)
                yield from ((str(entry.value), self.problems.place(entry.key)) for entry in entries or ())

    def _pip(self, lines: list[tuple[str, Place]]) -> RequirementFiles:
        """The section as pip gets it: conda writes it to a file beside this one."""
        places = [place for text, place in lines for _ in range(text.count("\n") + 1)]

        def place_of(line: RequirementLine) -> Place:
            return places[line.line - 1]

        text = "\n".join(text for text, _ in lines)
        return read_requirement_files(text, self.document.path, "", self.surroundings, uses_uv=False, place_of=place_of)
