"""Text that scripts take apart: regular expressions, literals, JSON, TOML, ini files, versions."""

from __future__ import annotations

import ast
import configparser
import json
import re
import textwrap
import tomllib
from functools import partial
from pathlib import PurePosixPath

from packaging.version import InvalidVersion, Version

from ..machine import Machine
from ..models import CONSTANTS, Call, function
from ..safe_regex import is_cheap
from ..values import Made, Opaque, Value, is_known, mentions
from ..version_tests import version_of

__all__: list[str] = []

_FLAGS_AT = {"compile": 1, "sub": 4, "split": 3}
"""The position of the flags among the arguments; 2 for the others."""


@function(
    "re.compile",
    "re.search",
    "re.match",
    "re.fullmatch",
    "re.findall",
    "re.sub",
    "re.split",
    "re.finditer",
    "re.escape",
)
def _regex(call: Call) -> Value:
    name = call.path.rpartition(".")[2]
    known = is_known(call.args) and is_known(call.keywords)
    flags = _flags(call)
    if not known or not call.args or not isinstance(call.args[0], str | re.Pattern) or flags is None:
        return Opaque(f"re.{name}()", next((t for a in call.args if (t := mentions(a))), ""))
    args = [a for i, a in enumerate(call.args) if i != _FLAGS_AT.get(name, 2)]
    keywords = {k: v for k, v in call.keywords.items() if k != "flags"}
    pattern = args[0] if isinstance(args[0], str) else str(args[0].pattern)
    text = args[-1] if len(args) > 1 and isinstance(args[-1], str) else ""
    if name == "escape":
        return re.escape(pattern)
    if not is_cheap(pattern, len(text)):
        return Opaque(f"re.{name}()")
    try:
        compiled = re.compile(args[0], flags) if isinstance(args[0], str) else args[0]
        if name == "compile":
            return compiled
        result = getattr(compiled, name)(*args[1:], **keywords)
    except (re.error, TypeError, ValueError, OverflowError, RecursionError) as error:
        call.m.fail(type(error), str(error), call.frame, call.node)
        return Opaque(f"re.{name}()")
    return list(result) if name == "finditer" else result


def _flags(call: Call) -> int | None:
    """The flags among the arguments; None where they are not known."""
    name = call.path.rpartition(".")[2]
    value = call.argument(_FLAGS_AT.get(name, 2), "flags", 0)
    return value if isinstance(value, int) else None


def _flag_value(name: str, _m: Machine) -> Value:
    return int(getattr(re, name))


for _flag in ("M", "MULTILINE", "S", "DOTALL", "I", "IGNORECASE", "X", "VERBOSE", "A", "ASCII", "U", "UNICODE"):
    CONSTANTS[f"re.{_flag}"] = partial(_flag_value, _flag)


@function("ast.literal_eval")
def _literal(call: Call) -> Value:
    text = call.argument(0)
    if not isinstance(text, str) or len(text) > 100_000:
        return Opaque("literal_eval()")
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        call.m.fail(type(error), str(error), call.frame, call.node)
        return Opaque("literal_eval()")


def _document(call: Call) -> str | None:
    source = call.argument(0)
    if isinstance(source, Made) and source.path == "io.Reader":
        source = source.args[0]
    if isinstance(source, bytes):
        source = source.decode("utf-8", "replace")
    return source if isinstance(source, str) and len(source) <= 500_000 else None


@function(
    "json.load", "json.loads", "tomllib.load", "tomllib.loads", "tomli.load", "tomli.loads", "toml.load", "toml.loads"
)
def _parse(call: Call) -> Value:
    text = _document(call)
    if text is None and call.path == "toml.load":
        text = call.m.files.text(call.argument(0))
    if text is None:
        return Opaque(f"{call.path}()")
    try:
        return json.loads(text) if call.path.startswith("json") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        call.m.fail(ValueError, str(error), call.frame, call.node)
        return Opaque(f"{call.path}()")


@function("json.dumps", "pprint.pformat", "textwrap.dedent")
def _dumps(call: Call) -> Value:
    text = call.argument(0)
    return textwrap.dedent(text) if call.path.endswith("dedent") and isinstance(text, str) else Opaque("text")


_PARSERS = (
    "configparser.ConfigParser",
    "configparser.RawConfigParser",
    "configparser.SafeConfigParser",
    "setuptools.config.read_configuration",
)


@function(*(f"{parser}.{name}" for parser in _PARSERS for name in ("read", "read_file", "readfp", "read_string")))
def _read_ini(call: Call) -> Value:
    made = call.receiver
    if not isinstance(made, Made):
        return Opaque("read()")
    source = call.argument(0)
    if call.path.endswith(".read"):
        paths = source if isinstance(source, list | tuple) else [source]
        texts = [t for p in paths if isinstance(p, str | PurePosixPath) and (t := call.m.files.text(p)) is not None]
    else:
        text = _document(call)
        texts = [text] if text is not None else []
    parser = configparser.RawConfigParser(strict=False)
    for text in texts:
        try:
            parser.read_string(text)
        except configparser.Error:
            return Opaque("read()")
    made.attributes["·parsed"] = {s: dict(parser.items(s)) for s in parser.sections()}
    return [] if not texts else [source]


@function(
    *(f"{p}.{n}" for p in _PARSERS for n in ("get", "has_section", "has_option", "sections", "items", "getboolean"))
)
def _ini_value(call: Call) -> Value:
    name = call.path.rpartition(".")[2]
    parsed = call.receiver.attributes.get("·parsed") if isinstance(call.receiver, Made) else None
    section, option = call.argument(0, "section"), call.argument(1, "option")
    if not isinstance(parsed, dict):
        return Opaque(f"{name}()")
    if name == "sections":
        return list(parsed)
    if not isinstance(section, str):
        return Opaque(f"{name}()")
    if name == "has_section":
        return section in parsed
    if name == "items":
        return list(parsed.get(section, {}).items())
    found = parsed.get(section, {}).get(option.lower()) if isinstance(option, str) else None
    if name == "has_option":
        return found is not None
    if found is None and "fallback" in call.keywords:
        return call.keywords["fallback"]
    return Opaque(f"{name}()") if found is None or name == "getboolean" else found


@function("packaging.version.parse", "packaging.version.Version", "pkg_resources.parse_version",
          "distutils.version.LooseVersion", "distutils.version.StrictVersion", "looseversion.LooseVersion")  # fmt: skip
def _version(call: Call) -> Value:
    text = call.argument(0)
    if not isinstance(text, str):
        return Opaque("a version", mentions(text), version_of(text, ordered=True))
    try:
        return Version(text)
    except InvalidVersion:
        return Opaque("a version")
