"""Conda match specs as environment.yml holds them: `numpy=1.26`, `forge::pytorch >=2,<3 cuda*`, `a[version=…]`."""

from __future__ import annotations

import re

from ..evidence import Place
from .addresses import check_conda_name
from .model import CondaSpec

__all__ = ["parse_match_spec"]

_BRACKETS = re.compile(r"\[(?P<fields>[^\]]*)\]\s*$")
_FIELD = re.compile(
    r"""\s*(?P<key>[\w-]+)\s*=\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>[^,'"]*))\s*(?:,|$)"""
)
_NAME = re.compile(r"(?P<name>[^\s=<>!~\[]+)\s*(?P<rest>.*)", re.DOTALL)
_SELECTORS = {"build_number": "build_number", "fn": "fn", "license": "license", "md5": "md5", "sha256": "sha256"}


def parse_match_spec(text: str, place: Place) -> CondaSpec:
    """One spec, its version in the words of a pixi manifest (`numpy=1.26` is any 1.26, `numpy 1.26` exactly that).

    Raises ValueError for what is none.
    """
    spec, fields = text.partition(" #")[0].strip(), {}
    brackets = _BRACKETS.search(spec)
    if brackets is not None:
        fields = _fields(brackets["fields"])
        spec = spec[: brackets.start()].strip()
    before, colons, rest = spec.rpartition("::")
    channel, subdir = _channel(before) if colons else (None, None)
    match = _NAME.fullmatch(rest.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a conda package")
    check_conda_name(match["name"])
    version, build = _version(match["rest"].strip())
    return CondaSpec(
        name=match["name"].lower(),
        spelled=match["name"],
        version=fields.get("version", version) or "*",
        place=place,
        build=fields.get("build", build) or None,
        channel=fields.get("channel") or channel,
        subdir=fields.get("subdir") or subdir,
        url=fields.get("url"),
        selectors=tuple((name, fields[key]) for key, name in _SELECTORS.items() if key in fields),
    )


def _fields(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _FIELD.match(text, at)
        if match is None or match.end() == at:
            raise ValueError(f"'[{text}]' is not a list of fields such as version='1.2'")
        found[match["key"]] = next(
            v for v in (match["single"], match["double"], match["bare"]) if v is not None
        ).strip()
        at = match.end()
    return found


def _channel(text: str) -> tuple[str | None, str | None]:
    """A channel, and the subdir that may follow it: `conda-forge/linux-64`."""
    name, _, last = text.rpartition("/")
    if name and re.fullmatch(r"noarch|(?:linux|osx|win)-\w+", last):
        return name, last
    return text, None


def _version(rest: str) -> tuple[str, str]:
    """Version and build of what follows the name."""
    if not rest:
        return "*", ""
    if rest.startswith("=") and not rest.startswith("=="):
        version, _, build = rest[1:].strip().replace(" ", "=", 1).partition("=")
        if build:
            return _exact(version), build.strip(" =")
        return (version if version.endswith("*") or not version else f"{version}.*"), ""
    joined = re.sub(r"\s*([,|])\s*", r"\1", re.sub(r"([<>=!~])\s+", r"\1", rest))
    version, _, build = joined.partition(" ")
    if version.startswith("==") and "=" in version[2:]:
        version, _, build = version[2:].partition("=")
        return _exact(version), build
    if version[0] in "<>!~*=" or any(sign in version for sign in ",|*<>"):
        return version, build.strip()
    return _exact(version), build.strip()


def _exact(version: str) -> str:
    return version if not version or version.endswith("*") else f"=={version}"
