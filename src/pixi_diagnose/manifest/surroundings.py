"""What a manifest's reader may look at beside its text: neighbouring files and environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Protocol

from ..errors import ManifestError
from ..lazy_dataclass import dataclass
from .encodings import decoded

__all__ = ["NOTHING", "Edited", "OnDisk", "Surroundings"]

LARGEST = 4 * 1024 * 1024
MOST_FOLDERS = 2000


class Surroundings(Protocol):
    """Files by their path relative to the manifest's folder (`..` allowed, `/` between parts), and variables."""

    def text(self, path: str) -> str | None:
        """The text of a file, None where there is none. Raises ManifestError where it cannot be read."""

    def folders(self, pattern: str) -> tuple[str, ...]:
        """The folders that a glob matches, sorted."""

    def names(self, folder: str) -> tuple[str, ...]:
        """What a folder holds, sorted."""

    def called(self, folder: str) -> str:
        """The name of a folder, "" where it is not known."""

    def ancestors(self) -> tuple[str, ...]:
        """The folders above, nearest first, as `..`, `../..` and so on."""

    def variable(self, name: str) -> str | None:
        """The value of an environment variable."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """The files below and above a folder, and the variables of a process."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def text(self, path: str) -> str | None:
        """The text of a file, None where there is none. Raises ManifestError where it cannot be read."""
        file = self.folder / path
        try:
            if not file.is_file():
                return None
            if file.stat().st_size > LARGEST:
                raise ManifestError("the file is too large to be read", path=str(file))
            return decoded(file.read_bytes())
        except UnicodeDecodeError:
            raise ManifestError("the file is not UTF-8", path=str(file)) from None
        except OSError as error:
            raise ManifestError(f"the file cannot be read: {error.strerror}", path=str(file)) from None

    def folders(self, pattern: str) -> tuple[str, ...]:
        """The folders that a glob matches, sorted; none for a pattern that is none."""
        found: list[str] = []
        try:
            for path in self.folder.glob(pattern.rstrip("/") or "."):
                if path.is_dir() and len(found) < MOST_FOLDERS:
                    found.append(os.path.relpath(path, self.folder).replace(os.sep, "/"))
        except (OSError, ValueError, NotImplementedError, IndexError):
            return ()
        return tuple(sorted(found))

    def names(self, folder: str) -> tuple[str, ...]:
        """What a folder holds, sorted; nothing for one that cannot be listed."""
        try:
            return tuple(sorted(os.listdir(self.folder / folder)))  # noqa: PTH208 -- names are all that is asked
        except OSError:
            return ()

    def called(self, folder: str) -> str:
        """The name of a folder, wherever a path such as `..` leads."""
        return (self.folder / folder).resolve().name

    def ancestors(self) -> tuple[str, ...]:
        """The folders above, nearest first, as `..`, `../..` and so on."""
        return tuple("/".join([".."] * (n + 1)) for n in range(len(self.folder.resolve().parents)))

    def variable(self, name: str) -> str | None:
        """The value of an environment variable."""
        return self.variables.get(name)


@dataclass(frozen=True, slots=True)
class Edited:
    """The same as `inner`, but for files that have another text; `texts` are keyed by path, `folder` is the manifest's.

    A file that is not there yet may be among them. `variables` are set in addition.
    """

    inner: Surroundings
    folder: str
    texts: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        """The text of a file as it would be, None where there is none. Raises ManifestError."""
        edited = self.texts.get(os.path.normpath(os.path.join(self.folder, path)))  # noqa: PTH118 -- as readers name it
        return self.inner.text(path) if edited is None else edited

    def folders(self, pattern: str) -> tuple[str, ...]:
        """The folders that a glob matches, sorted."""
        return self.inner.folders(pattern)

    def names(self, folder: str) -> tuple[str, ...]:
        """What a folder holds, sorted."""
        return self.inner.names(folder)

    def called(self, folder: str) -> str:
        """The name of a folder."""
        return self.inner.called(folder)

    def ancestors(self) -> tuple[str, ...]:
        """The folders above, nearest first."""
        return self.inner.ancestors()

    def variable(self, name: str) -> str | None:
        """The value of an environment variable."""
        return self.variables.get(name) or self.inner.variable(name)


@dataclass(frozen=True, slots=True)
class _Nothing:
    def text(self, path: str) -> None:
        """No file is there."""

    def folders(self, pattern: str) -> tuple[str, ...]:  # noqa: ARG002
        return ()

    def names(self, folder: str) -> tuple[str, ...]:  # noqa: ARG002
        return ()

    def called(self, folder: str) -> str:  # noqa: ARG002
        return ""

    def ancestors(self) -> tuple[str, ...]:
        return ()

    def variable(self, name: str) -> None:
        """No variable is set."""


NOTHING: Surroundings = _Nothing()
"""For a text on its own."""
