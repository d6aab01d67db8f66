"""Certificates made anew for each run, which nobody trusts unasked: no key of theirs is ever kept."""

from __future__ import annotations

import atexit
import tempfile
from pathlib import Path

import trustme

__all__ = ["CLIENT", "ROOT", "SERVER"]

_FOLDER = tempfile.TemporaryDirectory(prefix="certificates-")
atexit.register(_FOLDER.cleanup)


def _written(name: str, *blobs: trustme.Blob) -> str:
    path = Path(_FOLDER.name, name)
    path.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return str(path)


_AUTHORITY = trustme.CA()

ROOT = _written("root.pem", _AUTHORITY.cert_pem)
"""What vouches for the other two."""
SERVER = _written("server.pem", _AUTHORITY.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem)
CLIENT = _written("client.pem", _AUTHORITY.issue_cert("client@index.example").private_key_and_cert_chain_pem)
