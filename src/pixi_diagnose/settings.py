"""What a user settles beside the manifest: `[tool.pixi-diagnose]`, colour in the terminal, suppressions in comments."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import ManifestError
from .lazy_dataclass import dataclass

__all__ = ["Settings", "read_settings", "suppressions", "wants_color"]

_LISTS = ("select", "ignore")
_CODE = r"[A-Z]{3}\d{0,3}|[a-z0-9]+(?:-[a-z0-9]+)+"
_SUPPRESSION = r"#.*?\bpixi-diagnose:\s*ignore(?:\[([^\]]*)\])?"


@dataclass(frozen=True, slots=True)
class Settings:
    """Rules to report and to leave out, by code (`ISO101`), group (`ISO`) or name; empty `select` means all."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def read_settings(data: Mapping[str, object], path: str) -> Settings:
    """The `[tool.pixi-diagnose]` table of a parsed manifest, which pixi ignores (pixi.md P1).

    Raises ManifestError for unknown keys and for values that are no lists of rules: a typo must not silence a rule.
    """
    tools = data.get("tool")
    table = tools.get("pixi-diagnose") if isinstance(tools, dict) else None
    if table is None:
        return Settings()
    if not isinstance(table, dict):
        raise ManifestError("'tool.pixi-diagnose' is not a table", path=path)
    unknown = sorted(table.keys() - set(_LISTS))
    if unknown:
        hint = f"known keys are {' and '.join(_LISTS)}"
        raise ManifestError(f"unknown key '{unknown[0]}' in [tool.pixi-diagnose]", path=path, hint=hint)
    return Settings(**{name: _rules(table[name], name, path) for name in _LISTS if name in table})


def _rules(value: object, name: str, path: str) -> tuple[str, ...]:
    rules = value if isinstance(value, list) else [value]
    for rule in rules:
        if not isinstance(value, list) or not isinstance(rule, str) or not re.fullmatch(_CODE, rule):
            message = f"'{name}' in [tool.pixi-diagnose] is not a list of rules: {rule!r}"
            raise ManifestError(message, path=path, hint=f'write it as {name} = ["ISO101"]')
    return tuple(rules)


def suppressions(text: str) -> frozenset[tuple[int, str]]:
    """Every (line, rule) that a comment of the text suppresses; the rule is "*" where the comment names none.

    The comment stands on the line that the finding points at: `foo = "*"  # pixi-diagnose: ignore[ISO101, ISO104]`.
    """
    found: set[tuple[int, str]] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.search(_SUPPRESSION, line) if "pixi-diagnose" in line else None
        if match is not None:
            rules = "*" if match[1] is None else match[1]
            found |= {(number, rule.strip()) for rule in rules.split(",") if rule.strip()}
    return frozenset(found)


def wants_color(environ: Mapping[str, str], *, option: str = "auto", terminal: bool) -> bool:
    """Whether output is coloured: the option "always" or "never" decides, then the environment, then the terminal.

    NO_COLOR (not empty) goes before FORCE_COLOR, and that before PIXI_COLOR ("always", "never", "auto").
    """
    if option != "auto":
        return option == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    wish = environ.get("PIXI_COLOR", "auto")
    return terminal if wish not in {"always", "never"} else wish == "always"
