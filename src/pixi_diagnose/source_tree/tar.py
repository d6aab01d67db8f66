"""Reads a tar from a stream that cannot seek: its headers, and the bytes of wanted files. Nothing is unpacked."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from ..lazy_dataclass import dataclass
from .collecting import OUTSIDE_LINK, SPECIAL_FILE, Broken, Collector, Readable, clean_path, leads_out

__all__ = ["read_tar"]

UNPACKED = 1 << 30
"""Bytes that are looked through at most, some six seconds of work; large sdists unpack to 300 MB."""
RATIO, RATIO_FROM = 250, 16 << 20
"""A body that unpacks to more than so many times its size is a bomb (source code reaches 15); asked from 16 MB on."""
MEMORY = 256 << 20
"""What an xz or zstd body may demand; xz -9 wants 65 MB."""
EXTENSION = 1 << 20
"""Bytes of a pax or GNU header, which holds a path or two."""

_BLOCK = 512
_CHUNK = 1 << 16
_UNPACKED_CHUNK = 1 << 20
_LINKS = {b"1": "hard link", b"2": "link"}
_SPECIAL = {b"3", b"4", b"6"}  # devices and pipes
_DATALESS = {*_LINKS, *_SPECIAL, b"5"}


def read_tar(raw: Readable, compression: str, collector: Collector) -> bool:
    """Gives every file to the collector; returns whether the archive was read to its end.

    `compression` is "gz", "bz2", "xz", "zst" or "". Raises Broken.
    """
    blocks = _Blocks(raw, compression)
    try:
        for member in _members(blocks, ends_surely=compression in {"gz", "bz2", "xz"}):
            if member.kind in _LINKS:
                what = OUTSIDE_LINK if _leads_out(member) else f"is a {_LINKS[member.kind]}"
                collector.note(what, f"{member.name} -> {member.target}")
            elif member.kind in _SPECIAL:
                collector.note(SPECIAL_FILE, member.name)
            elif member.sparse:
                collector.note("is a sparse file", member.name)
            elif member.kind != b"5" and not member.name.endswith("/"):
                wanted = collector.wants(member.name, member.size)
                if wanted is not None:
                    collector.take(wanted, blocks.read(wanted.size))
                    member.size_left -= wanted.size
            if collector.full or collector.stopped:
                return False
            blocks.skip(member.size_left)
    except _TooMuch:
        collector.full = f"it unpacks to more than {UNPACKED >> 20} MB"
        return False
    return True


def _leads_out(member: _Member) -> bool:
    """A hard link names its target from the archive's root, a symbolic one from its own folder."""
    if member.kind == b"1":
        return clean_path(member.target) is None
    return leads_out(member.name, member.target)


# Compression


class _TooMuch(Exception):  # noqa: N818 -- a signal
    pass


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's object with the manners of those of bz2 and lzma: input that was not used yet is kept inside."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    "gz": _Gzip,
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=MEMORY),
}
_MAGIC = {"gz": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ"}


def _unpack(raw: Readable, compression: str) -> Iterator[bytes]:
    """The unpacked bytes in pieces of bounded size. Broken where the body is cut off or no such body."""
    try:
        if not compression:
            yield from iter(lambda: raw.read(_UNPACKED_CHUNK), b"")
        elif compression == "zst":
            yield from _unpack_zstd(raw)
        else:
            yield from _unpack_with(raw, _DECOMPRESSORS[compression], _MAGIC[compression])
    except (zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise Broken(f"is broken: {error}") from None


def _unpack_with(raw: Readable, make: Callable[[], _Decompressor], magic: bytes) -> Iterator[bytes]:
    decompressor = make()
    data = raw.read(_CHUNK)
    if not data:
        raise Broken("is empty")
    if not data.startswith(magic):
        page = data.lstrip()[:1] == b"<"
        raise Broken("is a web page" if page else "is not compressed in the way that its name says")
    while True:
        unpacked = decompressor.decompress(data, _UNPACKED_CHUNK)
        if unpacked:
            yield unpacked
        if decompressor.eof:
            data = decompressor.unused_data or raw.read(_CHUNK)
            if not data.startswith(magic):  # padding; parallel packers write several members one after the other
                return
            decompressor = make()
        elif decompressor.needs_input:
            if not unpacked and not data:
                raise Broken("is cut off")
            data = raw.read(_CHUNK)
        else:
            data = b""


if sys.version_info >= (3, 14):
    from compression import zstd

    def _unpack_zstd(raw: Readable) -> Iterator[bytes]:
        options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MEMORY.bit_length() - 1}
        try:
            yield from _unpack_with(raw, lambda: zstd.ZstdDecompressor(options=options), b"\x28\xb5\x2f\xfd")
        except zstd.ZstdError as error:
            raise Broken(f"is broken: {error}") from None

else:

    def _unpack_zstd(raw: Readable) -> Iterator[bytes]:
        import zstandard  # few sdists are packed so

        # its decompressobj knows no bound for what one piece of input unpacks to
        source: Any = raw  # it only ever calls `read`
        reader = zstandard.ZstdDecompressor(max_window_size=MEMORY).stream_reader(source, read_across_frames=True)
        try:
            yield from iter(lambda: reader.read(_UNPACKED_CHUNK), b"")
        except zstandard.ZstdError as error:
            raise Broken(f"is broken: {error}") from None


class _Blocks:
    """Exact reads from the unpacked stream, which is counted."""

    def __init__(self, raw: Readable, compression: str) -> None:
        self._raw_size = 0
        self._unpacked = 0
        self._compressed = bool(compression)
        self._chunks = _unpack(_Counted(raw, self._count), compression)
        self._chunk = b""
        self._at = 0

    def _count(self, size: int) -> None:
        self._raw_size += size

    def _next(self) -> bool:
        """Takes the next piece; False at the end."""
        self._chunk, self._at = next(self._chunks, b""), 0
        self._unpacked += len(self._chunk)
        if self._compressed and self._unpacked > max(RATIO_FROM, self._raw_size * RATIO):
            raise Broken(f"unpacks to more than {RATIO} times its size, as no sdist does")
        if self._unpacked > UNPACKED:
            raise _TooMuch
        return bool(self._chunk)

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        data = self.read_or_end(size)
        if len(data) < size:
            raise Broken("is cut off")
        return data

    def read_or_end(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
        end = self._at + size
        if end <= len(self._chunk):
            data = self._chunk[self._at : end]
            self._at = end
            return data
        parts = []
        while size:
            if self._at == len(self._chunk) and not self._next():
                break
            part = self._chunk[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        while size > len(self._chunk) - self._at:
            size -= len(self._chunk) - self._at
            if not self._next():
                raise Broken("is cut off")
        self._at += size


class _Counted:
    def __init__(self, raw: Readable, count: Callable[[int], None]) -> None:
        self._raw = raw
        self._count = count

    def read(self, size: int = _CHUNK, /) -> bytes:
        data = self._raw.read(size)
        self._count(len(data))
        return data


# Headers


@dataclass(slots=True)
class _Member:
    name: str
    kind: bytes
    size: int
    target: str
    sparse: bool
    size_left: int
    """What is still to be skipped: the data, filled up to a whole block."""


def _members(blocks: _Blocks, *, ends_surely: bool) -> Iterator[_Member]:
    """Every member, before its data; the caller leaves the stream after them.

    An archive ends with a block of zeros. Where the compression vouches for the end (`ends_surely`), it may lack.
    """
    longer: dict[str, str] = {}
    first = True
    while True:
        header = blocks.read_or_end(_BLOCK)
        if not header and ends_surely and not first:
            return
        if len(header) < _BLOCK:
            raise Broken("is cut off")
        if header.count(0) == _BLOCK:
            return
        if _octal(header[148:156]) != sum(header) - sum(header[148:156]) + 8 * 32:
            raise Broken("is no tar archive" if first else "has a broken header")
        first = False
        kind, size = header[156:157], _octal(header[124:136])
        if kind in {b"L", b"K", b"x", b"X", b"g"}:
            if not 0 <= size <= EXTENSION:
                raise Broken("has a header of an impossible size")
            data = blocks.read(size)
            blocks.skip(-size % _BLOCK)
            if kind in {b"x", b"X"}:
                longer |= _pax(data)
            elif kind != b"g":  # what is said of all files is not about their paths
                longer["path" if kind == b"L" else "linkpath"] = _text(data)
            continue
        yield _member(header, kind, size, longer, blocks)
        longer = {}


def _member(header: bytes, kind: bytes, size: int, longer: dict[str, str], blocks: _Blocks) -> _Member:
    name, prefix = _text(header[:100]), b""
    if header[257:263] == b"ustar\0":  # GNU's own format has other things there
        prefix = header[345:500]
    if prefix.strip(b"\0"):
        name = f"{_text(prefix)}/{name}"
    if "size" in longer:
        size = int(longer["size"]) if longer["size"].isdecimal() and len(longer["size"]) < 20 else -1
    if size < 0:
        raise Broken("has a file of an impossible size")
    if kind == b"S":
        more = header[482]
        while more:
            more = blocks.read(_BLOCK)[504]
    stored = 0 if kind in _DATALESS else size
    return _Member(
        name=longer.get("path", name),
        kind=kind,
        size=size,
        target=longer.get("linkpath") or _text(header[157:257]),
        sparse=kind == b"S" or any(key.startswith("GNU.sparse") for key in longer),
        size_left=stored + -stored % _BLOCK,
    )


def _octal(field: bytes) -> int:
    """A number in octal digits, or in GNU's binary form; -1 for what is neither."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big") if field[0] == 0x80 else -1
    digits = field.strip(b" \0").partition(b"\0")[0].strip()
    try:
        return int(digits or b"0", 8)
    except ValueError:
        return -1


def _pax(data: bytes) -> dict[str, str]:
    """The records `length key=value` of a pax header."""
    records, at = {}, 0
    while at < len(data) and data[at]:
        digits, blank, _ = data[at : at + 20].partition(b" ")
        if not blank or not digits.isdigit() or not len(digits) + 1 < int(digits) <= len(data) - at:
            raise Broken("has a broken header")
        record = data[at + len(digits) + 1 : at + int(digits)]
        key, _, value = record.removesuffix(b"\n").partition(b"=")
        records[key.decode("utf-8", "backslashreplace")] = value.decode("utf-8", "backslashreplace")
        at += int(digits)
    return records


def _text(field: bytes) -> str:
    """A name up to its zero byte; bytes that are no UTF-8 are shown as escapes, so that names stay distinct."""
    return field.partition(b"\0")[0].decode("utf-8", "backslashreplace")
