"""Text of packages, indexes and manifests made safe to show: no control sequences, no credentials (design.md 11)."""

from __future__ import annotations

import re

__all__ = ["masked", "printable", "without_credentials"]

_ESCAPES = r"""(?xs)
    (?:\x1b\]|\x9d).*?(?:\x07|\x1b\\|\x9c|$)      # OSC: titles, links, the clipboard
  | (?:\x1b[PX^_]|[\x90\x98\x9e\x9f]).*?(?:\x1b\\|\x9c|$)  # DCS, SOS, PM, APC
  | (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?              # CSI: colours, cursor, erasing
  | \x1b[ -/]*[0-~]?                               # the other two-byte sequences
    """
_INVISIBLE = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls, save tab and newline
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi controls, zero widths
    "\ud800-\udfff\U000e0000-\U000e007f]"  # lone surrogates, tags
)
_USER = r"(?<=://)[^/\s@'\"]+@"
_IN_CONDA_URL = r"(?<=/t/)[^/\s]+(?=/)"


def printable(text: str) -> str:
    """The text without control sequences, invisible and direction-changing characters; a tab becomes a space.

    Newlines stay: whoever needs one line joins them.
    """
    if text.replace("\n", "").replace("\u00a0", "").isprintable():
        return text  # nearly all: what is looked for below is not printable
    return re.sub(_INVISIBLE, "", re.sub(_ESCAPES, "", text.replace("\r\n", "\n"))).replace("\t", " ")


def without_credentials(text: str) -> str:
    """The text with user names, passwords and conda tokens taken out of every URL in it."""
    text = re.sub(_USER, "", text) if "@" in text else text
    return re.sub(_IN_CONDA_URL, "***", text) if "/t/" in text else text


def masked(text: str) -> str:
    """The text with what `without_credentials` takes out covered instead, so that columns stay."""
    text = re.sub(_USER, lambda found: "*" * (len(found[0]) - 1) + "@", text) if "@" in text else text
    return re.sub(_IN_CONDA_URL, lambda found: "*" * len(found[0]), text) if "/t/" in text else text
