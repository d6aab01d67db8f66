"""Conda version specs, read as strictly as pixi reads them (pixi.md P2)."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["read_version_spec"]

_OPERATOR = re.compile(r"==|!=|<=|>=|~=|<|>|=")
_PART = r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*(?:\.?[-_]+(?![A-Za-z0-9.]))?"
_VERSION = re.compile(rf"(?:\d+!)?{_PART}(?:\+{_PART})?")
_GLOB = re.compile(r"\.?\*(?:\.\*)*")


def read_version_spec(text: str) -> tuple[str, bool]:
    """A version spec as pixi 0.77 reads it, and whether it had to guess at a bare version.

    `"3.12"` is read as `==3.12`, with a warning that this will become an error (P2). ValueError for what pixi refuses,
    with its reason.
    """
    try:
        return _Reader(text, lenient=False).read(), False
    except _AmbiguousVersionError as ambiguous:
        try:
            return _Reader(text, lenient=True).read(), True
        except ValueError:
            raise ValueError(_explain(text) or str(ambiguous)) from None
    except ValueError as error:
        raise ValueError(_explain(text) or str(error)) from None


class _AmbiguousVersionError(ValueError):
    """A bare version where a range is expected."""


class _Reader:
    """Recursive descent: spec = group ("|" group)*, group = term ("," term)*, term = "(" spec ")" | constraint."""

    def __init__(self, text: str, *, lenient: bool) -> None:
        self.text = text
        self.lenient = lenient
        self.position = 0

    def read(self) -> str:
        spec = self._spec()
        if self.position != len(self.text):
            rest = self.text[self.position :].strip()
            raise ValueError(f"cannot read '{rest}' in the version spec '{self.text}'")
        return spec

    def _spec(self) -> str:
        return self._joined("|", self._group)

    def _group(self) -> str:
        return self._joined(",", self._term)

    def _joined(self, separator: str, read: Callable[[], str]) -> str:
        parts = [read()]
        while True:
            before = self.position
            self._skip_space()
            if not self._skip(separator):
                self.position = before
                return separator.join(parts)
            self._skip_space()
            parts.append(read())

    def _term(self) -> str:
        if not self._skip("("):
            return self._constraint()
        self._skip_space()
        inner = self._spec()
        self._skip_space()
        if not self._skip(")"):
            raise ValueError(f"a parenthesis is not closed in the version spec '{self.text}'")
        return f"({inner})"

    def _constraint(self) -> str:
        operator, version, glob = self._take(_OPERATOR), self._take(_VERSION), self._take(_GLOB)
        if not version:
            if glob.startswith("*") and (not operator or self.lenient):
                return "*"
            raise ValueError(f"a version is missing in the version spec '{self.text}'")
        if not glob:
            if not operator and not self.lenient:
                raise _AmbiguousVersionError(
                    f"missing range specifier for '{version}': did you mean '=={version}' or '{version}.*'?"
                )
            return (operator or "==") + version
        if operator not in ("", "!="):
            if not self.lenient:
                raise ValueError(f"'*' is incompatible with the operator '{operator}' in '{self.text}'")
            return operator + version
        if glob.count("*") > 1 and not self.lenient:
            raise ValueError(f"regular expressions are not supported in the version spec '{self.text}'")
        return f"{operator}{version}.*"

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match.group()

    def _skip(self, character: str) -> bool:
        found = self.text.startswith(character, self.position)
        self.position += found
        return found

    def _skip_space(self) -> None:
        while self.text[self.position : self.position + 1].isspace():
            self.position += 1


def _explain(text: str) -> str:
    """What the user seems to have meant, "" where nothing comes to mind."""
    if text.startswith(("/", ".", "\\", "~/")):
        return f'this looks like a path dependency; write it as {{ path = "{text}" }}'
    if "://" in text and "git" not in text:
        return f'this looks like a URL dependency; write it as {{ url = "{text}" }}'
    if "git" in text:
        return f'this looks like a git dependency; write it as {{ git = "{text}" }}'
    words = text.split()
    if len(words) > 1 and "," not in text:
        return f"'{text}' looks like a match spec; separate versions by commas, or write {{ version = …, build = … }}"
    return ""
