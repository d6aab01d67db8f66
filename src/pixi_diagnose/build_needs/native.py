"""Compilers and build tools that a source tree needs: extension modules, CMake, Meson, and backends' own answers."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from ..evidence import Evidence
from ..source_tree import SourceTree
from .build_system import pyproject_evidence
from .hooks import Run
from .interpreter.values import Instance, Made, Value
from .merging import Merged
from .model import BuildSystem, Phase, Stop, Strength, ToolNeed
from .observations import ImportSeen
from .tables import backend_entry, suffix_tool

__all__ = ["absent_sources", "backend_needs", "extension_tools"]

_TORCH = "torch.utils.cpp_extension."


def backend_needs(tree: SourceTree, system: BuildSystem, declared: Iterable[str]) -> tuple[list[str], list[ToolNeed]]:
    """What a declarative backend's hook asks for, and the tools that its wheels need."""
    entry = backend_entry(system.backend)
    if entry is None:
        return [], []
    evidence = pyproject_evidence(tree, "build-backend", "[build-system]")
    names = set(declared)
    answers = [text for _tool, text in entry.asks_if_missing if re.split(r"[<>=~! ]", text)[0] not in names]
    tools = [ToolNeed(tool, Phase.WHEEL, Strength.HARD, evidence) for tool in entry.tools]
    tools += _files_tools(tree, entry.module)
    return answers, tools


def _files_tools(tree: SourceTree, module: str) -> list[ToolNeed]:
    found: list[ToolNeed] = []
    if module == "mesonpy":
        found += _meson(tree)
    elif module.startswith(("scikit_build_core", "py_build_cmake")):
        found += _cmake(tree)
    return found


_LANGUAGES = {
    "c": "c-compiler",
    "cxx": "cxx-compiler",
    "cpp": "cxx-compiler",
    "cuda": "nvcc",
    "fortran": "fortran-compiler",
}


_CMAKE_CALL = re.compile(r"^[^\S\n]*(?:project|enable_language|find_package)[^\S\n]*\(", re.IGNORECASE | re.MULTILINE)


def _cmake(tree: SourceTree) -> list[ToolNeed]:
    """`project(… LANGUAGES …)`, `enable_language(CUDA)` and `find_package` of the top CMakeLists.txt."""
    text = tree.text("CMakeLists.txt") or ""
    found: list[ToolNeed] = []
    for call in _CMAKE_CALL.finditer(text):
        start = text.rfind("\n", 0, call.end()) + 1
        line, _, _ = text[start : start + 2000].partition("\n")
        bare = line.partition("#")[0]
        evidence = (Evidence("CMakeLists.txt", text.count("\n", 0, start) + 1, line.strip()[:200]),)
        match = re.match(r"\s*(?:project|enable_language)\s*\((.{0,300})", bare, re.IGNORECASE)
        if match:
            words = {w.lower() for w in re.split(r"[\s()]+", match.group(1))}
            tools = sorted({_LANGUAGES[w] for w in words & set(_LANGUAGES)})
            found += [ToolNeed(tool, Phase.WHEEL, Strength.HARD, evidence) for tool in tools]
        match = re.match(r"\s*find_package\s*\(\s*(\w+)(.{0,200})", bare, re.IGNORECASE)
        if match and match.group(1).lower() in {"cudatoolkit", "cuda"}:
            hard = Strength.HARD if "required" in match.group(2).lower() else Strength.GUARDED
            found.append(ToolNeed("nvcc", Phase.WHEEL, hard, evidence))
    return found


def _meson(tree: SourceTree) -> list[ToolNeed]:
    text = tree.text("meson.build") or ""
    found: list[ToolNeed] = []
    project = re.search(r"project\s*\(([^)]{0,600})", text)
    if project:
        line = text.count("\n", 0, project.start()) + 1
        evidence = (Evidence("meson.build", line, text.splitlines()[line - 1].strip()[:200]),)
        words = re.findall(r"'(\w+)'", project.group(1))[1:]
        tools = {_LANGUAGES[w] for w in words if w in _LANGUAGES}
        found += [ToolNeed(tool, Phase.WHEEL, Strength.HARD, evidence) for tool in sorted(tools)]
        if "cython" in words:
            found.append(ToolNeed("cython", Phase.WHEEL, Strength.HARD, evidence))
    return found


# -- extension modules ------------------------------------------------------------------------------------------------


def extension_tools(tree: SourceTree, run: Run, merged: Merged) -> list[ToolNeed]:
    """The compilers that setup()'s extension modules need; Cython sources without a generated file add an import."""
    found: list[ToolNeed] = []
    for extension in run.extensions:
        made = extension.attributes.get("·made") if isinstance(extension, Instance) else extension
        if isinstance(made, Made):
            found += _extension(tree, made, extension, merged)
    return found


def absent_sources(tree: SourceTree, run: Run) -> list[Stop]:
    """Sources of extension modules that the tree lacks although nothing in the script could make them."""
    if not tree.complete or not run.machine.files.complete or run.machine.generates_sources():
        return []
    found: list[Stop] = []
    for extension in run.extensions:
        made = extension.attributes.get("·made") if isinstance(extension, Instance) else extension
        if not isinstance(made, Made) or not made.path.startswith((_TORCH, "setuptools.Extension")):
            continue
        attributes = extension.attributes
        sources = attributes.get("sources")
        if attributes.get("·conditional") or made.keywords.get("optional") is True or not isinstance(sources, list):
            continue
        lacking = [s for s in sources if isinstance(s, str) and run.machine.files.is_file(s) is False]
        lacking = [s for s in lacking if "*" not in s and not _has_sibling(tree, s)]
        if lacking:
            more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
            reason = f"an extension module is made of {lacking[0]}{more}, which is not in the source tree"
            found.append(Stop(reason, Phase.WHEEL, (made.evidence,)))
    return found


def _has_sibling(tree: SourceTree, source: str) -> bool:
    """Whether the source may be generated from, or stand for, one beside it (`a.c` from `a.pyx`, `a.i`, `a.c.in`)."""
    base = posixpath.normpath(posixpath.splitext(source)[0])
    suffixes = (".pyx", ".py", ".c", ".cpp", ".cxx", ".i", ".pxi", ".c.in", ".pyx.in")
    return any(base + suffix in tree.names for suffix in suffixes)


def _extension(tree: SourceTree, made: Made, extension: Value, merged: Merged) -> list[ToolNeed]:
    attributes = extension.attributes
    strength = Strength.CONDITIONAL if attributes.get("·conditional") else Strength.HARD
    if made.keywords.get("optional") is True:
        strength = Strength.GUARDED
    evidence = (made.evidence,)
    if made.path.startswith("setuptools_rust."):
        return [ToolNeed(tool, Phase.WHEEL, strength, evidence) for tool in ("rustc", "cargo")]
    sources = attributes.get("sources")
    tools: dict[str, None] = {}
    for source in sources if isinstance(sources, list | tuple) else []:
        if not isinstance(source, str):
            continue
        if source.endswith(".pyx"):
            tools |= dict.fromkeys(_cython(tree, source, made, strength, merged))
        elif tool := suffix_tool(source):
            tools[tool] = None
    if made.path.startswith(_TORCH):
        tools["cxx-compiler"] = None
        if made.path == f"{_TORCH}CUDAExtension":
            tools["nvcc"] = None
    if not tools:
        tools["c-compiler"] = None
    return [ToolNeed(tool, Phase.WHEEL, strength, evidence) for tool in tools]


def _cython(tree: SourceTree, source: str, made: Made, strength: Strength, merged: Merged) -> list[str]:
    """The compiler of a .pyx; without a generated source beside it Cython itself is needed when the wheel is built."""
    base = posixpath.splitext(source)[0]
    cplus = made.keywords.get("language") == "c++"
    generated = any(f"{base}{suffix}" in tree.names for suffix in (".c", ".cpp", ".cxx"))
    if not generated and "*" not in source:
        seen = ImportSeen("Cython", "Cython", Phase.WHEEL, strength, made.evidence, after_setup=True)
        if not any(entry.root == "Cython" for entry in merged.imports):
            merged.add_import(seen, after_answer=True)
    return ["cxx-compiler" if cplus else "c-compiler"]
