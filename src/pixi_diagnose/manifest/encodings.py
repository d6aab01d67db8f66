"""Requirements files in other encodings than UTF-8: what a byte order mark says, as pip 26 and uv 0.13 read them."""

from __future__ import annotations

import codecs

__all__ = ["decoded", "encoded"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, with whose mark it begins
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decoded(data: bytes) -> str:
    """The text without its mark, which PowerShell puts before what `pip freeze` prints; UTF-8 without one.

    Raises UnicodeDecodeError.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding)
    return data.decode("utf-8")


def encoded(text: str, like: bytes) -> bytes:
    """The text as a file is written that begins as `like` does: with its mark, and in the encoding of that one."""
    mark, encoding = next(((m, e) for m, e in _MARKS if like.startswith(m)), (b"", "utf-8"))
    return text.encode() if text.startswith("\ufeff") else mark + text.encode(encoding)
