"""Arguments of setup() that the setuptools of a build refuses, whatever is installed beside it.

Seen with setuptools 65.5, 66.0, 67.0 and 84.0 on Python 3.11: each refuses a malformed requirement (65.5 and 66.0 only
once `wheel` reads it), 67.0 and later a malformed `python_requires`, 66.0 and later a version that is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence
from ..pep508 import normal_specifier, normal_version
from .interpreter.values import Value
from .model import Phase, Stop
from .observations import SetupCall
from .requirement_lines import is_requirement

__all__ = ["refusals"]


def refusals(call: SetupCall, setuptools: tuple[int, ...], phase: Phase) -> Iterator[Stop]:
    """The ends that the arguments of a setup() call bring about; what is not known of them is not judged."""
    keywords = call.keywords
    computed = keywords.get("setup_requires")  # a plugin of setuptools may replace the version
    if setuptools >= (66,) and not computed and isinstance(version := keywords.get("version"), str):
        try:
            normal_version(version)
        except ValueError:
            yield _refused("version", version, call.evidence, phase)
    if setuptools < (67,):
        return
    if isinstance(python := keywords.get("python_requires"), str):
        try:
            normal_specifier(python)
        except ValueError:
            yield _refused("python_requires", python, call.evidence, phase)
    extras = keywords.get("extras_require")
    listed = [
        ("install_requires", keywords.get("install_requires")),
        ("setup_requires", keywords.get("setup_requires")),
    ]
    listed += [("extras_require", value) for value in extras.values()] if isinstance(extras, dict) else []
    for name, value in listed:
        wrong = next((text for text in _texts(value) if not is_requirement(text)), None)
        if wrong is not None:
            yield _refused(name, wrong, call.evidence, phase)
            return


def _texts(value: Value) -> Iterator[str]:
    for item in [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else ():
        if isinstance(item, str):
            yield from item.splitlines()


def _refused(argument: str, text: str, evidence: Evidence, phase: Phase) -> Stop:
    return Stop(f"setuptools refuses {text!r} as {argument}", phase, (evidence,))
