"""The errors that end a run (exit status 2): one base, few children, each with a hint.

A *predicted* failure of the user's build is never an error, it is a finding; an error means that the
question itself could not be answered (no manifest, broken input, an index that lies).
"""

from __future__ import annotations

__all__ = [
    "ArchiveError",
    "IndexAccessError",
    "LockError",
    "ManifestError",
    "PixiDiagnoseError",
    "ResolverError",
    "SourceError",
    "UsageError",
]


class PixiDiagnoseError(Exception):
    """Base of all errors of this program: `message` says what is wrong and where, `hint` what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(PixiDiagnoseError):
    """The command line asks for something that does not exist (a manifest, an environment, a rule)."""


class ManifestError(PixiDiagnoseError):
    """A manifest that its own tool would reject.

    `path` names the file; `line` and `column` count from 1 (code points) and are None where no place is known.
    """

    def __init__(
        self, message: str, *, path: str, line: int | None = None, column: int | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.line = line
        self.column = column


class IndexAccessError(PixiDiagnoseError):
    """A package index or one of its files is unreachable, refuses, or answers something that cannot be used.

    `url` is the address without credentials, `refused` whether it answers that one has no right to it (401, 403), and
    `absent` that nothing is there (404, 410).
    """

    def __init__(self, message: str, *, url: str, hint: str = "", refused: bool = False, absent: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.url = url
        self.refused = refused
        self.absent = absent


class LockError(PixiDiagnoseError):
    """A lock file that cannot be read; `path` names it, `version` its format where that is what is not known."""

    def __init__(self, message: str, *, path: str, version: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.version = version


class ArchiveError(PixiDiagnoseError):
    """A source archive that is broken, hostile or of an unknown kind; `location` names it."""

    def __init__(self, message: str, *, location: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.location = location


class SourceError(PixiDiagnoseError):
    """A path, git or URL source that could be asked and is not what its address says: the tool refuses it, too."""


class ResolverError(PixiDiagnoseError):
    """The resolver program itself could not run (missing, crashed, tripwire not effective)."""
