"""Questions about the paths of a tree: folders, what lies in them, and what a glob pattern finds.

The sorted list of names answers them all: what lies below a folder stands together in it. Nothing is built per folder,
as most scripts ask for a handful of paths of trees that may have ten thousand.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from fnmatch import translate
from functools import cached_property

__all__ = ["TreePaths"]

_AFTER_SLASH = chr(ord("/") + 1)
_WILD = re.compile(r"[*?\[]")


class TreePaths:
    """The files of a tree by their paths relative to its root ("" is the root itself)."""

    def __init__(self, names: Iterable[str]) -> None:
        self._unsorted = names

    @cached_property
    def names(self) -> list[str]:
        """Every file, in order."""
        return sorted(self._unsorted)

    def is_folder(self, path: str) -> bool:
        """Whether files lie below a path."""
        if not path:
            return True
        inside = path + "/"
        at = bisect_left(self.names, inside)
        return at < len(self.names) and self.names[at].startswith(inside)

    def _span(self, folder: str) -> tuple[int, int]:
        """The positions of the files below a folder."""
        if not folder:
            return 0, len(self.names)
        first = bisect_left(self.names, folder + "/")
        return first, bisect_left(self.names, folder + _AFTER_SLASH, first)

    def children(self, folder: str) -> dict[str, bool]:
        """The names in a folder, in order, and whether each is a folder; empty for what is no folder."""
        found: dict[str, bool] = {}
        names, start = self.names, len(folder) + 1 if folder else 0
        at, end = self._span(folder)
        while at < end:
            child, below, _rest = names[at][start:].partition("/")
            found[child] = bool(below) or found.get(child, False)
            at = bisect_left(names, names[at][:start] + child + _AFTER_SLASH, at, end) if below else at + 1
        return found

    def folders_below(self, folder: str) -> list[str]:
        """Every folder below one, at any depth, in order."""
        found: set[str] = set()
        first, end = self._span(folder)
        for name in self.names[first:end]:
            parent = name.rpartition("/")[0]
            while len(parent) > len(folder) and parent not in found:
                found.add(parent)
                parent = parent.rpartition("/")[0]
        return sorted(found)

    def matching(self, pattern: str, *, recursive: bool) -> list[str]:
        """The files and folders that a glob pattern finds, in order; `**` means any depth only where `recursive`."""
        current = {""}
        # Piece by piece: no folder is looked at twice for one piece, whatever the pattern.
        pieces = pattern.split("/")
        for position, piece in enumerate(pieces):
            last = position == len(pieces) - 1
            if piece == "**" and recursive:
                current |= {below for folder in list(current) for below in self.folders_below(folder)}
                if last:
                    current |= {name for name in self.names if name.rpartition("/")[0] in current}
            else:
                current = set(self._one_level(current, piece, last=last))
        return sorted(current - {""})

    def _one_level(self, folders: Iterable[str], piece: str, *, last: bool) -> Iterator[str]:
        if not _WILD.search(piece):
            for folder in folders:
                path = posixpath.join(folder, piece)
                if self.is_folder(path) or (last and self._is_file(path)):
                    yield path
            return
        test = re.compile(translate(piece)).match
        for folder in folders:
            for child, is_folder in self.children(folder).items():
                if (last or is_folder) and test(child):
                    yield posixpath.join(folder, child)

    def _is_file(self, path: str) -> bool:
        at = bisect_left(self.names, path)
        return at < len(self.names) and self.names[at] == path

    def walk(self, top: str, limit: int) -> Iterator[tuple[str, list[str], list[str]]]:
        """(folder, its folders, its files) from a folder downwards, as `os.walk` orders them; at most `limit`."""
        pending = [top]
        while pending and limit:
            limit -= 1
            folder = pending.pop()
            children = self.children(folder)
            folders = [name for name, is_folder in children.items() if is_folder]
            yield folder, folders, [name for name, is_folder in children.items() if not is_folder]
            pending += [posixpath.join(folder, name) for name in reversed(folders)]
