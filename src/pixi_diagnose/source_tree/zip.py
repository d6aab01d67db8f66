"""Reads a zip that lies in memory: its directory, and the bytes of files that are wanted. Nothing is unpacked."""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib

from .collecting import OUTSIDE_LINK, PATH_LENGTH, SPECIAL_FILE, Broken, Collector, leads_out

__all__ = ["read_zip"]

DIRECTORY = 16 << 20
"""Bytes of the directory at the end, which Python reads whole; 100,000 names need 10 MB."""

_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\5\6"
_ENCRYPTED = 0x1


def read_zip(data: bytes, collector: Collector) -> bool:
    """Gives every file to the collector; returns whether it was read to its end. Raises Broken."""
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, collector)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise Broken(f"is broken: {error}") from None
    except (NotImplementedError, RuntimeError, ValueError, OverflowError, struct.error) as error:
        raise Broken(f"cannot be read: {error}") from None


def _check_directory(data: bytes) -> None:
    at = data.rfind(_END_MARK, max(0, len(data) - _END.size - 0xFFFF))
    if at < 0 or len(data) - at < _END.size:
        raise Broken("is a web page" if data.lstrip()[:1] == b"<" else "is cut off, or no zip archive")
    size = _END.unpack_from(data, at)[5]
    if size > DIRECTORY:
        raise Broken("has a directory of an impossible size")


def _read(archive: zipfile.ZipFile, collector: Collector) -> bool:
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")  # old Windows packers
        mode = info.external_attr >> 16
        if info.is_dir():
            continue
        if stat.S_ISLNK(mode):
            target = archive.read(info).decode("utf-8", "replace") if info.file_size <= PATH_LENGTH else "/"
            collector.note(OUTSIDE_LINK if leads_out(name, target) else "is a link", name)
        elif stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            collector.note(SPECIAL_FILE, name)
        elif info.flag_bits & _ENCRYPTED:
            collector.note("is encrypted", name)
        elif (wanted := collector.wants(name, info.file_size)) is not None:
            with archive.open(info) as file:
                collector.take(wanted, file.read(wanted.size))
        if collector.full or collector.stopped:
            return False
    return True
