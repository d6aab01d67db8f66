"""Facts kept between runs: one sqlite file of bytes by kind and key, shared by processes and threads."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import time
import zlib
from pathlib import Path

__all__ = ["FactCache", "default_directory"]

SCHEMA = 1
LONGEST_AGE = 90 * 24 * 3600.0
"""Facts not written anew for this long are swept; all of them can be asked for again."""
COMPRESS_FROM = 512
BATCH_BYTES = 2_000_000


def default_directory() -> Path:
    """The user's cache directory for this program: XDG_CACHE_HOME is respected, macOS and Windows have their own."""
    if "linux" in sys.platform:  # as platformdirs has it, which costs 10 ms to import
        base = os.environ.get("XDG_CACHE_HOME", "").strip()
        return (Path(base) if base else Path("~/.cache").expanduser()) / "pixi-diagnose"
    import platformdirs

    return platformdirs.user_cache_path("pixi-diagnose", appauthor=False)


class FactCache:
    """Bytes by (kind, key), with the time of writing.

    A cache never fails: a file that is corrupt, locked for too long or not writable costs only its content. Values are
    compressed. Safe between threads and processes.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._path = directory / f"facts-v{SCHEMA}.sqlite3"
        self._lock = threading.Lock()
        # written in short transactions, so that another process never waits for this one's network
        self._pending: dict[tuple[str, str], tuple[bytes, bool, float]] = {}
        self._pending_bytes = 0
        self._connection = self._open()

    def get(self, kind: str, key: str, *, max_age: float | None = None) -> bytes | None:
        """The kept bytes, None if there are none or they are older than `max_age` seconds (None: any age)."""
        found = self.get_with_time(kind, key)
        if found is None or (max_age is not None and not 0 <= time.time() - found[1] <= max_age):
            return None
        return found[0]

    def get_with_time(self, kind: str, key: str) -> tuple[bytes, float] | None:
        """The kept bytes of any age, and when they were written (seconds since 1970)."""
        with self._lock:
            row = self._pending.get((kind, key))
            if row is None:
                try:
                    row = self._connection.execute(
                        "SELECT value, packed, written FROM facts WHERE kind = ? AND key = ?", (kind, key)
                    ).fetchone()
                except sqlite3.Error:
                    self._recover()
        if row is None:
            return None
        value, packed, written = row
        if packed:
            try:
                value = zlib.decompress(value)
            except zlib.error:
                return None
        return value, written

    def put(self, kind: str, key: str, value: bytes, *, written: float | None = None, pack: bool = True) -> None:
        """Keep the bytes, `written` now or at a given time; other processes see them after the next `flush`.

        `pack` compresses what is worth it; bytes that are compressed already need not be.
        """
        packed = pack and len(value) >= COMPRESS_FROM
        data = zlib.compress(value, 1) if packed else value
        with self._lock:
            self._pending[kind, key] = (data, packed, time.time() if written is None else written)
            self._pending_bytes += len(data)
            if self._pending_bytes >= BATCH_BYTES:
                self._write()

    def flush(self) -> None:
        """Write what is pending to the file."""
        with self._lock:
            self._write()

    def close(self) -> None:
        """Flush and close; the object must not be used afterwards."""
        with self._lock:
            self._write()
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()

    def _write(self) -> None:
        if not self._pending:
            return
        rows = [(kind, key, *row) for (kind, key), row in self._pending.items()]
        self._pending.clear()
        self._pending_bytes = 0
        try:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?)", rows)
        except sqlite3.Error:
            self._recover()

    def _open(self) -> sqlite3.Connection:
        for attempt in range(2):
            try:
                self.directory.mkdir(parents=True, exist_ok=True)
                connection = sqlite3.connect(self._path, timeout=5, check_same_thread=False)
                try:
                    self._prepare(connection)
                except sqlite3.Error:
                    connection.close()
                    raise
            except sqlite3.DatabaseError as error:
                busy = isinstance(error, sqlite3.OperationalError)
                if attempt == 0 and not busy:
                    self._discard()
                    continue
            except OSError:
                pass
            else:
                return connection
            break
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._prepare(connection)
        return connection

    @staticmethod
    def _prepare(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS facts (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
            " packed INTEGER NOT NULL, written REAL NOT NULL, UNIQUE (kind, key))"
        )
        oldest = time.time() - LONGEST_AGE
        row = connection.execute("PRAGMA user_version").fetchone()
        if row[0] < int(oldest // 86400):  # swept once a day at most
            connection.execute("DELETE FROM facts WHERE written < ?", (oldest,))
            connection.execute(f"PRAGMA user_version = {int(oldest // 86400)}")
            connection.commit()

    def _recover(self) -> None:
        """After an error: drop the transaction, and start anew if the file itself is broken."""
        try:
            self._connection.rollback()
            self._connection.execute("SELECT count(*) FROM facts WHERE kind = ''").fetchone()
        except sqlite3.OperationalError:
            return
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._discard()
            self._connection = self._open()

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink()
