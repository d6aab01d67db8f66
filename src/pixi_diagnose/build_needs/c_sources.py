"""C and C++ sources of extension modules that do not compile with the target's Python.

Which sources are compiled is what the build script hands to setup(). A `.pyx` is translated anew where Cython is there;
elsewhere setuptools compiles the `.c` or `.cpp` that was shipped beside it (Extension._convert_pyx_sources_to_lang).
With Cython there the shipped file does not count: cythonize() writes it anew unless the same Cython made it
(Cython.Build.Dependencies.cythonize, file_generated_by_this_cython).
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..evidence import Evidence
from ..lazy_dataclass import dataclass
from ..source_tree import SourceTree
from ..source_tree.native_sources import Clue
from .build_system import pyproject_evidence
from .c_conditions import decide
from .hooks import Run
from .interpreter.values import Choice, ClassValue, Instance, Made, Opaque, Value
from .model import BuildTarget, Phase, RemovedApi, Strength
from .tables import cython_fails, newest_cython, removed_from_c

__all__ = ["removed_c_api"]

_DEPTH = 8
"""Files that include each other."""
_PLACES = 8
"""Lines that are told of one thing."""
_OLDEST = (3, 2)
"""What went with Python 2 stands behind some condition of its own in every source that knows Python 3."""
_TAKING = frozenset({"remove", "pop", "clear"})
_CATCHES_EXIT = re.compile(r"SystemExit|BaseException|except[ \t]*:")
_BUILDING = ("run", "build_extensions", "build_extension")
_HEADERS = (".h", ".hh", ".hpp", ".hxx")
"""Those that Cython generates only declare things."""
_RANK = {Strength.HARD: 0, Strength.CONDITIONAL: 1, Strength.GUARDED: 2}


@dataclass(frozen=True, slots=True)
class _Found:
    """One thing that a compiled source uses and that a Python no longer has."""

    name: str
    gone: str
    evidence: Evidence
    strength: Strength
    unless: tuple[str, ...] = ()


def removed_c_api(
    tree: SourceTree, run: Run, requirements: Iterable[str], target: BuildTarget
) -> tuple[RemovedApi, ...]:
    """What the sources that setup() hands over use and that some Python lacks, each once, the surest place first.

    `requirements` are the build's own. What the target's Python never compiles is left out; a condition that cannot be
    decided makes it conditional.
    """
    if not run.extensions:
        return ()
    reading = _Compiling(tree, run, target, newest_cython(requirements))
    entries = [entry for extension in run.extensions for entry in reading.extension(extension)]
    found: dict[str, list[_Found]] = {}
    surely = _compiled(run, tree) if entries else Strength.HARD
    for entry in entries:
        found.setdefault(entry.name, []).append(replace(entry, strength=_weakest(entry.strength, surely)))
    return tuple(_summed(uses) for uses in found.values())


def _summed(entries: list[_Found]) -> RemovedApi:
    entries.sort(key=lambda entry: _RANK[entry.strength])
    first = entries[0]
    evidence = tuple(dict.fromkeys(entry.evidence for entry in entries))[:_PLACES]
    unless = first.unless if all(entry.unless for entry in entries if entry.strength is first.strength) else ()
    return RemovedApi(first.name, (("python", first.gone),), Phase.WHEEL, first.strength, evidence, unless)


@dataclass(frozen=True, slots=True)
class _Compiling:
    """One build's extension modules: `cython` is the version that its requirements give, "" where they do not say."""

    tree: SourceTree
    run: Run
    target: BuildTarget
    cython: str

    def extension(self, extension: Value) -> Iterator[_Found]:
        """What the sources of one extension module use."""
        made = extension.attributes.get("·made") if isinstance(extension, Instance) else extension
        if not isinstance(made, Made) or not isinstance(extension, Made | Instance):
            return
        attributes = extension.attributes
        optional = Strength.GUARDED if made.keywords.get("optional") is True else Strength.HARD
        decided = Strength.CONDITIONAL if attributes.get("·conditional") else Strength.HARD
        strength = _weakest(optional, decided)
        folders = [made.keywords.get("include_dirs"), attributes.get("include_dirs")]
        beside = ["", *(f for folder in folders if isinstance(folder, list) for f in folder if isinstance(f, str))]
        cplus = str(made.keywords.get("language", "")).lower() == "c++"
        sources = attributes.get("sources")
        for source in sources if isinstance(sources, list | tuple) else ():
            path = self.run.machine.files.inside(source) if isinstance(source, str) else None
            if path is None:
                continue
            translated = path.endswith((".pyx", ".py"))
            if translated and _has_cython(self.run):
                found = self._translated(made.evidence)
            elif translated:
                shipped = posixpath.splitext(path)[0] + (".cpp" if cplus else ".c")
                found = (replace(entry, unless=("Cython",)) for entry in self._source(shipped, beside))
            else:
                anew = ("Cython",) if self._may_be_made_anew(path) else ()
                found = (replace(entry, unless=anew) for entry in self._source(path, beside))
            for entry in found:
                yield replace(entry, strength=_weakest(entry.strength, strength))

    def _may_be_made_anew(self, path: str) -> bool:
        """Whether a script that looked for Cython in vain may write this generated file itself where it is there."""
        source = self.tree.native.get(path)
        made_from = posixpath.splitext(path)[0] + ".pyx"
        return bool(source and source.cython) and made_from in self.tree.names and "Cython" in self.run.seen.missed

    def _translated(self, place: Evidence) -> Iterator[_Found]:
        """What a Cython generates that the build's own requirements keep old."""
        gone, mended = cython_fails(self.cython) if self.cython else ("", "")
        if gone:
            line = pyproject_evidence(self.tree, "requires", "[build-system]")
            unless = (f"Cython>={mended}",)
            yield _Found(_as_used_by(self.cython), gone, line[0] if line else place, Strength.HARD, unless)

    def _source(self, path: str, beside: list[str]) -> Iterator[_Found]:
        """What one source and the tree's files that it includes use."""
        pending: list[tuple[str, tuple[str, ...], int]] = [(path, (), 0)]
        seen: set[str] = set()
        while pending:
            path, conditions, depth = pending.pop()
            source = self.tree.native.get(path)
            if source is None or path in seen or depth > _DEPTH:
                continue
            seen.add(path)
            gone = "" if path.endswith(_HEADERS) else cython_fails(source.cython)[0]
            if gone:
                line = Evidence(path, 1, f"/* Generated by Cython {source.cython} */")
                yield _Found(_as_used_by(source.cython), gone, line, Strength.HARD)
            yield from (entry for use in source.uses if (entry := self._use(path, use, conditions)))
            for clue in source.includes:
                inner = _included(self.tree, path, clue.name, beside)
                pending.append((inner, (*conditions, *clue.conditions), depth + 1))

    def _use(self, path: str, use: Clue, conditions: tuple[str, ...]) -> _Found | None:
        """One use, None where the target's Python does not come there or the tree brings it itself."""
        holds = decide((*conditions, *use.conditions), self.target)
        gone = removed_from_c(use.name)
        ancient = tuple(map(int, gone.split("."))) <= _OLDEST
        if holds is False or (holds is None and ancient) or _brings(self.tree, use.name):
            return None
        strength = Strength.HARD if holds else Strength.CONDITIONAL
        return _Found(use.name, gone, Evidence(path, use.line, use.text), strength)


def _as_used_by(cython: str) -> str:
    return f"the C API as Cython {cython} used it"


def _included(tree: SourceTree, path: str, name: str, beside: list[str]) -> str:
    """The file that an include leads to: from the file's own folder, else from those that the compiler is given."""
    folders = [posixpath.dirname(path), *beside]
    paths = [posixpath.normpath(posixpath.join(folder, name)) for folder in folders]
    return next((p for p in paths if p in tree.names), "")


def _brings(tree: SourceTree, header: str) -> bool:
    """Whether the tree has a header of that name itself: which one is found hangs on the compiler's options."""
    return header.endswith(".h") and any(n == header or n.endswith(f"/{header}") for n in tree.names)


def _has_cython(run: Run) -> bool:
    around = run.machine.around
    return around.everything or "Cython" in run.assumed or around.provides("Cython")


def _weakest(*strengths: Strength) -> Strength:
    return max(strengths, key=lambda strength: _RANK[strength])


def _compiled(run: Run, tree: SourceTree) -> Strength:
    """How surely a module that does not compile ends the build, as far as the script decides that."""
    script = tree.text("setup.py") or ""
    if _tries_again(script):
        return Strength.GUARDED
    distribution = run.machine.distribution
    commands = distribution.attributes.get("cmdclass") if isinstance(distribution, Made | Instance) else None
    if isinstance(commands, Opaque):
        return Strength.CONDITIONAL
    cls = commands.get("build_ext") if isinstance(commands, dict) else None
    options = cls.options if isinstance(cls, Choice) else (cls,)
    found = [_compiled_by(option, script) for option in options]
    return found[0] if len(found) == 1 else _weakest(*found, Strength.CONDITIONAL)


def _tries_again(script: str) -> bool:
    """Whether the script catches the SystemExit that distutils makes of a compiler's error (core.run_commands)."""
    if not _CATCHES_EXIT.search(script):
        return False
    try:
        nodes = list(ast.walk(ast.parse(script)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    handlers = [
        h for node in nodes if isinstance(node, ast.Try) and _calls(node.body, ("setup",)) for h in node.handlers
    ]
    caught = [ast.unparse(h.type) if h.type else "BaseException" for h in handlers if not _raises(h)]
    return any(re.search(r"\b(?:SystemExit|BaseException)\b", text) for text in caught)


def _compiled_by(cls: Value, script: str) -> Strength:
    """GUARDED for a class that goes on, CONDITIONAL for one that chooses what it compiles, or how."""
    if not isinstance(cls, ClassValue):
        return Strength.CONDITIONAL if isinstance(cls, Opaque) else Strength.HARD
    lineage = [entry.node for entry in cls.lineage() if isinstance(entry, ClassValue) and entry.node]
    nodes = [node for definition in lineage for node in ast.walk(definition)]
    methods = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name in _BUILDING]
    inside = [node for method in methods for node in ast.walk(method)]
    trying = [node for node in inside if isinstance(node, ast.Try) and _calls(node.body, _BUILDING)]
    if any(_goes_on(handler, script) for node in trying for handler in node.handlers):
        return Strength.GUARDED
    own_way = methods and not _calls(methods, _BUILDING)
    return Strength.CONDITIONAL if own_way or any(map(_chooses, nodes)) else Strength.HARD


def _calls(nodes: Iterable[ast.AST], names: Iterable[str]) -> bool:
    """Whether a function or method of one of these names is called."""
    called = [inner.func for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    spelled = {
        f.attr if isinstance(f, ast.Attribute) else f.id for f in called if isinstance(f, ast.Attribute | ast.Name)
    }
    return not spelled.isdisjoint(names)


def _raises(handler: ast.ExceptHandler) -> list[ast.Raise]:
    return [node for node in ast.walk(handler) if isinstance(node, ast.Raise)]


def _chooses(node: ast.AST) -> bool:
    """Whether something is taken from the list of extension modules, or another put in its place."""
    changed = node
    if isinstance(node, ast.Subscript):
        changed = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TAKING:
        return isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "extensions"
    context = getattr(node, "ctx", None)
    return (
        isinstance(changed, ast.Attribute) and changed.attr == "extensions" and isinstance(context, ast.Store | ast.Del)
    )


def _goes_on(handler: ast.ExceptHandler, script: str) -> bool:
    """Whether a failure ends here, or is told to one that catches it.

    `except CCompilerError: raise BuildFailed` with an `except BuildFailed` around setup() is a common way.
    """
    raised = [node.exc for node in _raises(handler)]
    called = [error.func if isinstance(error, ast.Call) else error for error in raised]
    names = [error.id for error in called if isinstance(error, ast.Name)]
    return not raised or any(re.search(rf"except\s*\(?[^:\n]*\b{re.escape(name)}\b", script) for name in names)
