"""Writing the user's files: all of them or none, only where they are still what was read, and in their encoding."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .errors import UsageError
from .lazy_dataclass import dataclass
from .manifest.encodings import decoded, encoded

__all__ = ["Rewrite", "rewrite"]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The text that a file had when it was read (None: there was none), and the one that it is to have."""

    old: str | None
    new: str


def rewrite(files: Mapping[str, Rewrite]) -> None:
    """Replace each file at once, its mode kept and links followed; where one cannot be, those before it are put back.

    Raises UsageError where a file is no longer what was read, or cannot be written.
    """
    prepared: dict[Path, tuple[Path, bytes | None]] = {}
    try:
        targets = {name: _checked(name, change) for name, change in files.items()}
        for name, change in files.items():
            written = None if change.old is None else targets[name].read_bytes()
            prepared[targets[name]] = (_temporary(name, change), written)
        done: list[Path] = []
        for target, (temporary, _) in prepared.items():
            try:
                temporary.replace(target)
            except OSError as error:
                for replaced in done:
                    _put_back(replaced, prepared[replaced][1])
                raise UsageError(f"{target.name} cannot be written: {error.strerror}") from error
            done.append(target)
    finally:
        for temporary, _ in prepared.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _put_back(target: Path, old: bytes | None) -> None:
    if old is None:
        target.unlink(missing_ok=True)
    else:
        target.write_bytes(old)


def _checked(name: str, change: Rewrite) -> Path:
    target = Path(name).resolve()
    try:
        if change.old is None:
            if target.exists() and target.read_bytes() != change.new.encode():
                raise UsageError(f"there is another {name} already: nothing is written", hint="rename that one")
        elif not _is(target.read_bytes(), change.old):
            raise UsageError(f"{name} was changed meanwhile: nothing is written", hint="run the command again")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error
    return target


def _is(data: bytes, text: str) -> bool:
    """Whether a file holds this text, whatever its encoding (a mark that was read as a part of the text included)."""
    if data == text.encode():
        return True
    try:
        return decoded(data) == text
    except UnicodeDecodeError:
        return False


def _temporary(name: str, change: Rewrite) -> Path:
    """The new text beside the file, safely on disk, with the mode of the old one or the usual one of a new file."""
    target = Path(name).resolve()
    try:
        handle, path = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        temporary = Path(path)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(change.new.encode() if change.old is None else encoded(change.new, target.read_bytes()))
                file.flush()
                os.fsync(file.fileno())
            if change.old is None:
                temporary.chmod(0o666 & ~_umask())
            else:
                shutil.copymode(target, temporary)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{name} cannot be written: {error.strerror}") from error
    return temporary


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
