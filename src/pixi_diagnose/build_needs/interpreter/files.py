"""The tree as the file system that a build script sees: rooted at a made-up absolute folder, and read-only."""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Protocol

from ...evidence import Evidence
from ...source_tree import SourceTree
from .outline import Outline, imports_only, outline
from .tree_paths import TreePaths

__all__ = ["PYTHON_2", "ROOT", "TreeFiles", "TreeIndex", "parse_script"]

PYTHON_2 = "is written for Python 2"
ROOT = "/source"
"""Where the tree seems to lie. Nothing outside of it exists or does not exist: it is unknown."""
_CHARACTERS = 100_000
"""Characters of one tree's modules that are parsed, the bodies of uncalled functions aside: a tenth of a second."""
_NEW_LINE = re.compile("\r\n|\r|\n")
"""What Python's parser counts as the end of a line (`str.splitlines` knows more)."""
_WALKED = 2000
"""Folders that one `os.walk` is followed through."""


def _lines_with_yield(text: str) -> list[int]:
    """The numbers of the lines that the word stands in."""
    text = text if "\r" not in text else _NEW_LINE.sub("\n", text)
    numbers: list[int] = []
    at, line, counted = text.find("yield"), 1, 0
    while at >= 0:
        line, counted = line + text.count("\n", counted, at), at
        numbers.append(line)
        at = text.find("yield", at + 5)
    return numbers


class Releasable(Protocol):
    """What holds memory that refers to itself."""

    def release(self) -> None:
        """Part the circles."""
        ...


class TreeIndex:
    """What is worked out once per tree, however often its scripts are interpreted."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self.parsed: dict[str, ast.Module | None] = {}
        self.problems: dict[str, tuple[str, int]] = {}
        """Files that cannot be parsed: why, and the line."""
        self.generators: dict[ast.AST, bool] = {}
        self.paths = TreePaths(tree.names)
        self.steps = 0
        """Steps that earlier interpretations took."""
        self.fruitless: dict[ast.AST, int] = {}
        """How often a function was called since it last brought something new."""
        self.characters = 0
        """Characters of the modules that were parsed."""
        self.skimmed: set[str] = set()
        """Modules of which only the import statements were read, as too much was read before them."""
        self.mixed: set[str] = set()
        """Files in whose name other text ran, so that a line may be another's."""
        self.machines: list[Releasable] = []
        """The interpretations that were made over it."""
        self._modules: dict[str, ast.Module | None] = {}
        self._outlines: dict[str, Outline] = {}
        self._lines: dict[str, list[str]] = {}
        self._evidence: dict[tuple[str, int], Evidence] = {}
        self._yielding: dict[str, list[int]] = {}

    def release(self) -> None:
        """Give the interpretations' memory back at once: else a search for garbage goes through all of it."""
        for machine in self.machines:
            machine.release()
        self.machines.clear()

    def syntax(self, file: str) -> ast.Module | None:
        """The syntax tree of a file of the tree, None where it is absent or cannot be parsed."""
        if file not in self.parsed:
            text = self.tree.text(file)
            self.parsed[file] = self._parsed(file, text) if text is not None else None
        return self.parsed[file]

    def module(self, file: str) -> ast.Module | None:
        """As `syntax`, for a module that is imported: bodies of its functions may be left for `body` to parse."""
        if file in self.parsed:
            return self.parsed[file]
        if file not in self._modules:
            self._modules[file] = self._read_module(file)
        return self._modules[file]

    def _read_module(self, file: str) -> ast.Module | None:
        text = self.tree.text(file)
        if text is None:
            return None
        cut = outline(text) if self.characters < _CHARACTERS else None
        self.characters += len(cut.text) if cut is not None else len(text)
        if self.characters > _CHARACTERS:
            self.skimmed.add(file)
            return parse_script(imports_only(text))[0]
        if cut is not None:
            found, problem, _line = parse_script(cut.text)
            if not problem:
                self._outlines[file] = cut
                return found
        return self._parsed(file, text)

    def _parsed(self, file: str, text: str) -> ast.Module | None:
        found, problem, line = parse_script(text)
        if problem:
            self.problems[file] = (problem, line)
        return found

    def body(self, file: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
        """The statements of a function that stands in a file; one that was cut out of its module gets them back."""
        cut = self._outlines.get(file)
        if cut is not None:
            try:
                node.body = cut.take(node) or node.body
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                self.problems[file] = (f"cannot be parsed: {error}", node.lineno)
        return node.body

    def read_so_far(self, file: str) -> ast.Module | None:
        """The syntax of a file as far as something of it ran, None where nothing did."""
        return self.parsed.get(file) or self._modules.get(file)

    def may_yield(self, file: str, body: Sequence[ast.stmt]) -> bool:
        """Whether statements of a file may make a generator: few lines do, and only there a search is worth it."""
        if file not in self._yielding:
            text = (self.tree.text(file) or "") if b"yield" in self.tree.files.get(file, b"") else ""
            self._yielding[file] = _lines_with_yield(text)
        numbers = self._yielding[file]
        if file in self.mixed:
            return True
        at = bisect_left(numbers, body[0].lineno) if numbers and body else len(numbers)
        return at < len(numbers) and numbers[at] <= (body[-1].end_lineno or numbers[at])

    def lines(self, file: str) -> list[str]:
        """The text of a file, line by line; empty where there is none."""
        if file not in self._lines:
            self._lines[file] = (self.tree.text(file) or "").splitlines()
        return self._lines[file]

    def evidence(self, file: str, line: int) -> Evidence:
        """A line of a file of the tree, with its text."""
        found = self._evidence.get((file, line))
        if found is None:
            lines = self.lines(file)
            text = lines[line - 1].strip()[:200] if 0 < line <= len(lines) else ""
            found = self._evidence[file, line] = Evidence(file, line, text)
        return found


class TreeFiles:
    """Questions about paths, answered from the tree's list of names; what a script writes is kept beside it."""

    def __init__(self, index: TreeIndex) -> None:
        self.index = index
        self.tree = index.tree
        self.paths = index.paths
        self.folder = ROOT
        self.written: dict[str, str | None] = {}
        """Files that the script itself wrote: their text, None where it is not known."""
        self.made: set[str] = set()
        """Folders that the script itself made."""
        self.complete = index.tree.complete
        """Whether what is not known to be there is absent: no longer once another program has run."""

    def inside(self, path: Any) -> str | None:
        """The path relative to the tree's root, None for one outside (or for what is no path)."""
        if not isinstance(path, str):
            if not isinstance(path, PurePosixPath):
                return None
            path = str(path)
        return _relative(self.folder, path)

    def is_file(self, path: Any) -> bool | None:
        """Whether it is a file of the tree; None where that cannot be known."""
        relative = self.inside(path)
        if relative is None:
            return None
        if relative in self.tree.names or relative in self.written:
            return True
        return self._absent(relative)

    def is_folder(self, path: Any) -> bool | None:
        """Whether it is a folder of the tree; None where that cannot be known."""
        relative = self.inside(path)
        if relative is None:
            return None
        if self.paths.is_folder(relative) or relative in self.made:
            return True
        return self._absent(relative)

    def note_written(self, path: Any, text: str | None = None) -> None:
        """The script writes a file: from here on it is there."""
        relative = self.inside(path)
        if relative:
            self.written[relative] = text

    def note_made(self, path: Any) -> None:
        """The script makes a folder, and those above it."""
        relative = self.inside(path)
        while relative:
            self.made.add(relative)
            relative = relative.rpartition("/")[0]

    def _absent(self, relative: str) -> bool | None:
        """What is not known to be there: False, or None where the tree may only not show it."""
        return False if self.complete and self.tree.lacks(relative) else None

    def exists(self, path: Any) -> bool | None:
        """Whether the tree has a file or a folder there; None where that cannot be known."""
        answers = {self.is_file(path), self.is_folder(path)}
        return True if True in answers else None if None in answers else False

    def text(self, path: Any) -> str | None:
        """The text of a file, None where it is outside, absent or was not kept."""
        relative = self.inside(path)
        if relative is None:
            return None
        if relative in self.written:
            return self.written[relative]
        return self.tree.text(relative)

    def children(self, path: Any) -> list[str] | None:
        """The names in a folder, None where it is none of the tree's."""
        relative = self.inside(path)
        return None if relative is None or not self.paths.is_folder(relative) else list(self.paths.children(relative))

    def matching(self, pattern: str, *, recursive: bool) -> list[str] | None:
        """What a glob pattern finds, spelled as the pattern is; None for a pattern outside of the tree."""
        relative = _relative(self.folder, pattern)
        if relative is None:
            return None
        found = self.paths.matching(relative, recursive=recursive)
        if pattern.startswith("/"):
            return [f"{ROOT}/{name}" for name in found]
        base = posixpath.relpath(self.folder, ROOT)
        spelled = sorted(posixpath.relpath(name, base) for name in found) if base != "." else found
        return ["./" + name for name in spelled] if pattern.startswith("./") else spelled

    def below(self, path: Any) -> list[tuple[str, list[str], list[str]]] | None:
        """What `os.walk` yields: (folder, its folders, its files), spelled from `path`; None outside of the tree."""
        start = self.inside(path)
        if start is None or not self.paths.is_folder(start):
            return None if start is None else []
        return [
            (
                posixpath.join(str(path), folder[len(start) :].lstrip("/")) if folder != start else str(path),
                below,
                files,
            )
            for folder, below, files in self.paths.walk(start, _WALKED)
        ]


@lru_cache(maxsize=4096)
def _relative(folder: str, path: str) -> str | None:
    """A path from a folder, relative to the tree's root; None for one outside of it."""
    if "\0" in path:
        return None
    full = posixpath.normpath(posixpath.join(folder, path))
    if full == ROOT:
        return ""
    return full[len(ROOT) + 1 :] if full.startswith(ROOT + "/") else None


def parse_script(text: str) -> tuple[ast.Module | None, str, int]:
    """The syntax tree of a script, or None with what is wrong and the line. Syntax of Python 2 is told as such."""
    if len(text) > 2_000_000:
        return None, "is too long to be read", 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text), "", 0
    except SyntaxError as error:
        message = str(error.msg)
        python2 = (
            "Missing parentheses" in message or "multiple exception types" in message or "leading zeros" in message
        )
        return None, f"{PYTHON_2 if python2 else 'cannot be parsed'}: {message}", error.lineno or 1
    except (ValueError, RecursionError, MemoryError) as error:
        return None, f"cannot be parsed: {error}", 1
