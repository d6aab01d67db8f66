"""pip's own configuration: pip.conf in its places, and PIP_* variables, as defaults of `pip install` (pip 26.0).

The files of the system come first, then the user's and PIP_CONFIG_FILE, each replacing what was said before; of all of
them `[install]` goes before `[global]`, and variables before both. A list replaces a list, but for --no-binary and
--only-binary, which are applied one after the other. The file of a virtual environment is not looked at: the target is
a fresh one.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from ..connections import Connections, proxy_patterns
from ..errors import UsageError
from ..evidence import Place, Unknown
from ..lazy_dataclass import dataclass
from .surroundings import Surroundings

__all__ = ["PipConfiguration", "PipSetting", "read_pip_configuration"]

LISTS = ("extra-index-url", "find-links", "constraint", "build-constraint", "trusted-host")
SWITCHES = ("no-index", "pre", "prefer-binary", "require-hashes", "no-build-isolation", "no-deps")
FORMATS = ("no-binary", "only-binary")
ALIASES = {"pypi-url": "index-url", "no-dependencies": "no-deps"}

# What changes the set that is installed, or for what it is chosen.
_NOT_FOLLOWED = {
    **dict.fromkeys(("requirement", "editable", "group", "requirements-from-script"), "installs more than the input"),
    **dict.fromkeys(("python-version", "platform", "abi", "implementation"), "chooses for another target"),
    **dict.fromkeys(("all-releases", "only-final", "uploaded-prior-to"), "limits the releases that are chosen from"),
    **dict.fromkeys(("config-settings", "global-option"), "changes what builds make"),
    "ignore-requires-python": "lets releases for other Pythons in",
}
_CONNECTIONS = ("keyring-provider", "proxy", "cert", "client-cert")
_VARIABLES = ("index-url", "pypi-url", "no-dependencies", *LISTS, *SWITCHES, *FORMATS, *_CONNECTIONS, *_NOT_FOLLOWED)
_TRUE = {"y", "yes", "t", "true", "on", "1"}
_FALSE = {"n", "no", "f", "false", "off", "0"}


@dataclass(frozen=True, slots=True)
class PipSetting:
    """One setting: the long name of its option, the text that was given, and where."""

    name: str
    value: str
    place: Place

    @property
    def where(self) -> str:
        """Its place for people."""
        return self.place.file if not self.place.key else f"{self.name} in {self.place.file}"

    @property
    def words(self) -> tuple[str, ...]:
        """The entries of a list."""
        return tuple(self.value.split())

    @property
    def switched_on(self) -> bool:
        """A switch's position. Raises UsageError where pip would stop at it."""
        text = self.value.strip().lower()
        if text not in _TRUE | _FALSE:
            raise UsageError(f"{self.where}: '{self.value}' is neither true nor false, and pip refuses it")
        return text in _TRUE


@dataclass(frozen=True, slots=True)
class PipConfiguration:
    """All settings, by their option's long name ("index-url"), in the order in which pip applies them.

    `formats` are those of --no-binary and --only-binary, of every level. `unknowns` say what is not followed. `files`
    are the texts that were read, by path.
    """

    settings: Mapping[str, PipSetting] = field(default_factory=dict)
    formats: tuple[PipSetting, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def words(self, name: str) -> tuple[str, ...]:
        """The entries of a list, none where it is not set."""
        return self.settings[name].words if name in self.settings else ()

    def connections(self, variable: Callable[[str], str | None]) -> Connections:
        """How pip reaches indexes. Where it has a proxy of its own it looks at no variable for certificates either."""
        proxy = self._text("proxy")
        bundle = "" if proxy else variable("REQUESTS_CA_BUNDLE") or variable("CURL_CA_BUNDLE") or ""
        return Connections(
            keyring=self._text("keyring-provider") == "subprocess",
            proxies=proxy_patterns(proxy, proxy),
            unverified=self.words("trusted-host"),
            certificates=bundle or self._text("cert"),
            client_certificate=self._text("client-cert"),
        )

    def _text(self, name: str) -> str:
        return self.settings[name].value.strip() if name in self.settings else ""

    def is_on(self, name: str) -> bool:
        """Whether a switch is on, False where it is not set. Raises UsageError for what is no switch's position."""
        return name in self.settings and self.settings[name].switched_on


def read_pip_configuration(surroundings: Surroundings) -> PipConfiguration:
    """What pip would find on this machine. Raises ManifestError and UsageError for what pip stops at."""
    files: dict[str, str] = {}
    sections: dict[str, dict[str, PipSetting]] = {"global": {}, "install": {}, "variables": {}}
    for path in _places(surroundings.variable):
        text = surroundings.text(path)
        if text is not None:
            files[path] = text
            for section, setting in _of_file(text, path):
                sections[section][setting.name] = setting
    for name in _VARIABLES:
        variable = f"PIP_{name.replace('-', '_').upper()}"
        value = surroundings.variable(variable)
        if value is not None:
            known = ALIASES.get(name, name)
            sections["variables"][known] = PipSetting(known, value, Place(variable, ()))
    said = [s for section in sections.values() for s in section.values() if s.value.strip()]
    settings = {setting.name: setting for setting in said}
    unknowns = [
        Unknown(f"{setting.where} is not followed: it {_NOT_FOLLOWED[name]}", subject="pip's configuration")
        for name, setting in settings.items()
        if name in _NOT_FOLLOWED
    ]
    formats = [s for s in said if s.name in FORMATS]
    # pip applies variables in the order of its process's environment, which is not known: names after `:all:`
    formats.sort(key=lambda s: (not s.place.key, not s.place.key and ":all:" not in s.value))
    return PipConfiguration(settings, tuple(formats), tuple(unknowns), files)


def _places(variable: Callable[[str], str | None]) -> Iterator[str]:
    """Where pip looks, what wins last."""
    named = variable("PIP_CONFIG_FILE") or ""
    if named == os.devnull:
        return
    home = variable("HOME") or variable("USERPROFILE") or ""
    if os.name == "nt":
        yield posixpath.join(variable("PROGRAMDATA") or "C:/ProgramData", "pip", "pip.ini")
        users = [posixpath.join(home, "pip", "pip.ini"), posixpath.join(variable("APPDATA") or home, "pip", "pip.ini")]
    else:
        for folder in (variable("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"):
            yield posixpath.join(folder, "pip", "pip.conf")
        yield "/etc/pip.conf"
        config = variable("XDG_CONFIG_HOME") or (home and posixpath.join(home, ".config"))
        users = [posixpath.join(home, ".pip", "pip.conf"), posixpath.join(config, "pip", "pip.conf")] if home else []
    there = bool(named) and os.path.exists(named)  # noqa: PTH110 -- as pip asks
    yield from () if there else users
    if named:
        yield os.path.abspath(named)  # noqa: PTH100 -- from the working directory, as pip takes it


def _of_file(text: str, path: str) -> Iterator[tuple[str, PipSetting]]:
    """The settings of a file for `pip install`, with their sections."""
    import configparser  # slow to import, and few have such a file

    from ..errors import ManifestError

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text, path)
    except configparser.Error as error:
        found = getattr(error, "errors", None) or [(getattr(error, "lineno", None), "")]
        message = "pip cannot read its configuration: this is neither a section nor an option"
        raise ManifestError(message, path=path, line=found[0][0]) from None
    for section in ("global", "install"):
        for key, value in parser.items(section) if parser.has_section(section) else ():
            name = key.lower().replace("_", "-").removeprefix("--")
            yield section, PipSetting(ALIASES.get(name, name), value, Place(path, (_line_of(text, section, key),)))


def _line_of(text: str, section: str, key: str) -> int:
    """The line in which a key stands (from 1), that of its last mention."""
    found, inside = 1, ""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("["):
            inside = line.strip().strip("[]")
        elif inside == section and re.split(r"[=:]", line, maxsplit=1)[0].strip().lower() == key:
            found = number
    return found
