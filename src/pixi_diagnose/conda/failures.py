"""The solver's explanation of specs without a solution, translated once: a tree in, whole sentences out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from ..manifest.model import CondaSpec
from .model import CondaFailure

__all__ = ["explained"]

LONGEST = 6
"""Sentences of an explanation that are kept."""

_OPENING = re.compile(r"^(?:Cannot solve the request because of: )?(?:The following packages are incompatible\s*)?")
_BRANCH = re.compile(r"^(?P<indent>(?:[│ ] {2})*)(?:[├└]─ )?(?P<words>.*)$")
_OPENS = (
    (re.compile(r"(.+?),? (?:which )?can be installed with any of the following options:"), r"\1"),
    (re.compile(r"(.+?),? (?:which )?cannot be installed because there are no viable options:"), r"\1"),
    (re.compile(r"(.+) would require"), r"\1 requires"),
    (re.compile(r"(.+) would constrain"), r"\1 allows only"),
)
"""How a branch of the tree begins, and what stays of it in a sentence."""
_ENDS = (
    (re.compile(r"No candidates were found for (.+?)\.?"), r"there is no \1"),
    (re.compile(r"(.+), for which no candidates were found\.?"), r"\1, and there is none"),
    (re.compile(r"(.+), which conflicts with the versions reported above\.?"), r"\1, which contradicts the others"),
    (re.compile(r"(.+), which conflicts with any installable versions previously reported\.?"), r"\1"),
    (re.compile(r"(.+) is excluded because candidate not in requested channel: .*"), r"\1 is in another channel"),
    (re.compile(r"the constraint (.+) cannot be fulfilled\.?"), r"the constraint \1 excludes it"),
)
_ANY = re.compile(r"(?<=[\w-]) \*(?= |,|$)(?! \S*\w)")
"""`name *` is any version of it, unless a build string follows."""


def explained(text: str, specs: Sequence[CondaSpec], offered: Mapping[str, Sequence[str]]) -> CondaFailure:
    """The solver's words as sentences, with the manifest's own specs that they are about.

    `offered` are the versions (newest first) that the channels have of packages that the manifest asks for; an empty
    list says that no channel has the package.
    """
    sentences = list(dict.fromkeys(_sentences(text)))[:LONGEST]
    named = _named(sentences, specs)
    # the solver does not see the versions that a spec of the manifest itself rules out
    roots = {sentence.split()[0] for sentence in sentences}
    inner = [s for s in specs if s.name in named and s.name not in roots and s.version not in {"", "*"}]
    asked = [] if any(s.startswith("There is no") for s in sentences) else [_asked(s) for s in inner]
    if asked:
        sentences.append(f"The manifest itself asks for {' and '.join(dict.fromkeys(asked))}.")
    sentences += [line for name in named if (line := _on_offer(name, offered.get(name))) is not None]
    virtual = dict.fromkeys(re.findall(r"\b(?:requires|no) (__\w+)", " ".join(sentences)))
    sentences += [f"{name} is a virtual package: the platform has to declare it." for name in virtual]
    return CondaFailure(" ".join(sentences), named)


def _sentences(text: str) -> Iterable[str]:
    """One sentence for each path through the tree, from the spec that was asked for to what ends it."""
    path: list[tuple[int, str]] = []
    unsaid = False
    for line in _OPENING.sub("", text.strip()).splitlines():
        match = _BRANCH.match(line.rstrip())
        if match is None or not match["words"]:
            continue
        depth = line.index(match["words"])
        end, opened = _translated(match["words"], _ENDS), _translated(match["words"], _OPENS)
        if unsaid and depth <= path[-1][0]:  # a branch that ended without a word of its own: an option
            yield _joined([text for _, text in path])
        while path and path[-1][0] >= depth:
            path.pop()
        path.append((depth, _ANY.sub("", opened or end or match["words"])))
        unsaid = end is None and opened is None
        if end is not None:
            yield _joined([text for _, text in path])
    if unsaid:
        yield _joined([text for _, text in path])


def _translated(words: str, forms: Iterable[tuple[re.Pattern[str], str]]) -> str | None:
    return next((found.expand(to) for pattern, to in forms if (found := pattern.fullmatch(words))), None)


def _joined(path: Sequence[str]) -> str:
    """A path as a sentence: "pytorch → pytorch 2.6.0 requires __cuda, which does not exist."."""
    text = path[0]
    for before, part in pairwise(path):
        text += (" " if before.endswith((" requires", " allows only")) else " → ") + part
    return text[:1].upper() + text[1:] + "." if text.startswith(("there is no", "the constraint")) else text + "."


def _named(sentences: Iterable[str], specs: Sequence[CondaSpec]) -> tuple[str, ...]:
    """The manifest's packages in the order in which the explanation names them; its own constraints count too."""
    own = {spec.name for spec in specs}
    words = re.findall(r"[A-Za-z0-9_][\w.-]*", " ".join(sentences))
    return tuple(dict.fromkeys(w.lower().rstrip(".") for w in words if w.lower().rstrip(".") in own))


def _asked(spec: CondaSpec) -> str:
    return f"{spec.spelled} {spec.version}".removesuffix(" *")


def _on_offer(name: str, versions: Sequence[str] | None) -> str | None:
    if versions is None:
        return None
    if not versions:
        return f"No channel of this environment has a package called {name} for the platform."
    more = f" and {len(versions) - 3} older" if len(versions) > 3 else ""
    return f"The channels have {name} {', '.join(versions[:3])}{more}."
