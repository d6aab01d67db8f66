"""The METADATA of a wheel on an index, without downloading the wheel where that can be avoided."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zipfile
import zlib

from ..errors import ArchiveError, IndexAccessError
from .client import Answer, IndexClient, local_path

__all__ = ["fetch_wheel_metadata"]

METADATA_CAP = 8 * 2**20
WHEEL_CAP = 128 * 2**20
DIRECTORY_CAP = 32 * 2**20
TAIL = 48 * 2**10
PIECE = 32 * 2**10
METADATA_NAME = re.compile(r"[^/]+\.dist-info/METADATA")
METADATA_END = b".dist-info/METADATA"
ENTRY_SIGNATURE, LOCAL_SIGNATURE, END_SIGNATURE = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"
ENCRYPTED = 1
DIRECTORY_ENTRY = struct.Struct("<8xHH4xLLLH12xL")
"""Of a zip's table of contents: flags, method, CRC, packed and full size, length of the name, position."""
LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Of a member: signature, lengths of its name and of the extra field."""


def fetch_wheel_metadata(client: IndexClient, url: str, core_metadata: str | None) -> bytes:
    """The METADATA file of the wheel at `url`.

    From the index's own copy (PEP 658; `core_metadata` is its sha256, "" if none was given, None where none is
    offered), else from the end of the archive by range requests, else from the whole wheel if it is not too large.
    Raises IndexAccessError, or ArchiveError for a file that is no wheel.
    """
    if core_metadata is not None:
        try:
            answer = client.get(f"{url}.metadata", cap=METADATA_CAP)
        except IndexAccessError:
            pass  # an index may promise the file and not have it; the wheel still does
        else:
            if not core_metadata or hashlib.sha256(answer.body).hexdigest() == core_metadata:
                return answer.body
    path = local_path(url)
    if path is not None:
        try:
            with path.open("rb") as file:
                return _from_zip(file, url)
        except OSError as error:
            raise IndexAccessError(f"cannot read {url}: {error.strerror}", url=url) from None
    return _from_zip(_RemoteFile(client, url), url)


def _from_zip(file: io.BufferedReader | _RemoteFile, url: str) -> bytes:
    try:
        if isinstance(file, _RemoteFile):
            data = file.metadata()
            if data is not None:
                return data
        with zipfile.ZipFile(file) as archive:
            name = next((n for n in archive.namelist() if METADATA_NAME.fullmatch(n)), None)
            if name is None:
                raise ArchiveError(f"{url} holds no METADATA", location=url)
            with archive.open(name) as member:
                data = member.read(METADATA_CAP + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ArchiveError(f"{url} is not a readable wheel: {error}", location=url) from None
    if len(data) > METADATA_CAP:
        raise ArchiveError(f"the METADATA of {url} is larger than {METADATA_CAP >> 20} MB", location=url)
    return data


class _RemoteFile(io.RawIOBase):
    """A file on a server, read in pieces: its end first, where a zip archive has its table of contents."""

    def __init__(self, client: IndexClient, url: str) -> None:
        self._client = client
        self._url = url
        self._position = 0
        self._pieces: list[tuple[int, bytes]] = []
        answer = self._ask(f"bytes=-{TAIL}", WHEEL_CAP)
        if answer.status == 416:  # shorter than asked for
            answer = client.get(url, cap=WHEEL_CAP)
        offset, self._size = _extent(answer)
        self._pieces.append((offset, answer.body))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("negative position")
        self._position = start + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        data = self._slice(self._position, wanted) if wanted else b""
        self._position += len(data)
        return data

    def metadata(self) -> bytes | None:
        """The METADATA whose entry in the table of contents is in the file's end; None says nothing.

        A wheel may have ten thousand entries, and zipfile makes an object of each before it gives one. Whatever is not
        as plain as wheels are is left to it.
        """
        end = self._pieces[0][1]
        entry = end.rfind(ENTRY_SIGNATURE, 0, max(0, end.rfind(METADATA_END)))
        if entry < 0 or end.rfind(END_SIGNATURE) < entry + DIRECTORY_ENTRY.size:
            return None
        flags, method, crc, packed, size, length, position = DIRECTORY_ENTRY.unpack_from(end, entry)
        name = end[entry + DIRECTORY_ENTRY.size :][:length].decode("latin-1")
        if not METADATA_NAME.fullmatch(name) or flags & ENCRYPTED or method not in {0, 8}:
            return None
        if size > METADATA_CAP or max(packed, position) >= self._size:
            return None
        head = self._slice(position, LOCAL_HEADER.size)
        signature, name_length, extra_length = LOCAL_HEADER.unpack(head)
        if signature != LOCAL_SIGNATURE:
            return None
        body = self._slice(position + len(head) + name_length + extra_length, packed)
        data = zlib.decompressobj(-15).decompress(body, size + 1) if method else body
        return data if len(data) == size and zlib.crc32(data) == crc else None

    def _slice(self, start: int, length: int) -> bytes:
        for offset, piece in self._pieces:
            if offset <= start and start + length <= offset + len(piece):
                return piece[start - offset : start - offset + length]
        if length > DIRECTORY_CAP:
            raise ArchiveError(f"{self._url} has an absurdly long table of contents", location=self._url)
        stop = min(self._size, start + max(length, PIECE))
        answer = self._ask(f"bytes={start}-{stop - 1}", DIRECTORY_CAP + PIECE)
        offset, _ = _extent(answer)
        if answer.status != 206 or offset != start or len(answer.body) < length:
            raise IndexAccessError(f"{self._url} answers a range request with other bytes", url=self._url)
        self._pieces.append((start, answer.body))
        return answer.body[:length]

    def _ask(self, wanted: str, cap: int) -> Answer:
        headers = {"range": wanted, "accept-encoding": "identity"}
        return self._client.get(self._url, cap=cap, headers=headers, accepted=(200, 206, 416))


def _extent(answer: Answer) -> tuple[int, int]:
    """(offset of the body in the file, size of the file)."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("content-range", ""))
    if answer.status == 206 and match:
        return int(match[1]), int(match[2])
    return 0, len(answer.body)
