"""The program git as a reader of other people's repositories: their files come, and nothing of theirs runs.

What runs is git itself with the *user's* configuration: credential helpers, `insteadOf` rules, proxies and certificates
are what makes private repositories readable, and pixi and uv use the same. What belongs to a *repository* never runs:
objects go into a bare repository of our own without hooks, and are read from the object store. There is no checkout,
so no filter (LFS included), smudge or text conversion; no submodule is followed; only the usual protocols are allowed,
so no `ext::` or other remote helper. Nobody is asked for a password, and a password in a URL goes to git as a header
for its host, so that it stands in no command line, file or message. git 2.31 or later is needed.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from ..errors import IndexAccessError
from ..lazy_dataclass import dataclass

__all__ = ["Entry", "GitFailure", "Remote", "Repository", "git_program", "is_full_commit"]

ASKING_SECONDS = 60.0
FETCHING_SECONDS = 300.0
READING_SECONDS = 120.0
FETCHED_CAP = 1 << 30
"""Bytes of one fetch on disk. A shallow one without files is a few MB; a server that can neither sends all history."""
PROTOCOLS = "file:git:http:https:ssh"
FULL_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

SETTINGS = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("fetch.fsckObjects", "false"),  # old histories have harmless faults that a user's stricter setting would refuse
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.version", "2"),
)
BARE = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
BARE_SHA256 = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"


class GitFailure(Exception):  # noqa: N818 -- is translated where it is known what was asked
    """A git command that failed; the message is what git said last."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository's address without its password, and what git is told beside it."""

    url: str
    settings: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, url: str) -> Remote:
        """The remote behind a URL as users write it (`git+` before it is allowed).

        A password is kept for http and https alone; no other protocol has one.
        """
        url = url.removeprefix("git+")
        try:
            parts = urlsplit(url)
            user, password = parts.username, parts.password
        except ValueError:
            return cls(url)
        if password is None:
            return cls(url)
        host = parts.netloc.rpartition("@")[2]
        if parts.scheme not in {"http", "https"}:
            return cls(urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host)))
        clean = urlunsplit(parts._replace(netloc=host))
        word = base64.b64encode(f"{unquote(user or '')}:{unquote(password)}".encode()).decode()
        header = (f"http.{parts.scheme}://{host}/.extraHeader", f"Authorization: Basic {word}")
        return cls(clean, (header,))

    def references(self, names: Sequence[str]) -> dict[str, str]:
        """The commits of these full references (`HEAD`, `refs/heads/main`), tags peeled; what is not there is left out.

        Raises GitFailure where the repository cannot be asked.
        """
        asked = [*names, *(f"{name}^{{}}" for name in names if name.startswith("refs/tags/"))]
        output = _run("ls-remote", "--", "origin", *asked, remote=self, seconds=ASKING_SECONDS)
        found: dict[str, str] = {}
        for line in output.decode("utf-8", "replace").splitlines():
            commit, _, name = line.partition("\t")
            if is_full_commit(commit) and name in asked:
                found[name] = commit
        return {name: found.get(f"{name}^{{}}", found[name]) for name in names if name in found}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, link or submodule of a commit by its path; `mode` is git's, `object_id` names the content."""

    mode: str
    object_id: str
    path: str

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link: its content is the target."""
        return self.mode == "120000"

    @property
    def is_submodule(self) -> bool:
        """Whether it stands for another repository."""
        return self.mode == "160000"


class Repository:
    """A bare repository of our own for one remote: objects are fetched into it and read from it."""

    def __init__(self, folder: Path, remote: Remote, configuration: str) -> None:
        self._folder = folder
        self._remote = remote
        self._configuration = configuration
        self._settle()

    @classmethod
    @contextlib.contextmanager
    def temporary(cls, remote: Remote, beside: Path, *, sha256: bool = False) -> Iterator[Repository]:
        """An empty repository in a folder of its own below `beside`, gone with the block. Raises GitFailure."""
        beside.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=beside, prefix="git-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            # laid out by hand: `git init` would copy the user's template, hooks included
            for part in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
                (folder / part).mkdir(parents=True)
            (folder / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
            yield cls(folder, remote, BARE_SHA256 if sha256 else BARE)

    def _settle(self) -> None:
        """A fetch notes in the configuration that objects may be asked for later: reading is to ask for none."""
        (self._folder / "config").write_text(self._configuration, encoding="utf-8")

    def fetch_commit(self, commit: str) -> None:
        """Bring a commit and its folders, without history and files where the server can leave them out.

        Raises GitFailure where the repository cannot be asked or has no such commit.
        """
        try:
            self._fetch("--depth=1", "--filter=blob:none", "origin", commit)
        except GitFailure:
            # a server that knows no shallow clones (plain files over http), or gives only what a reference names
            self.fetch_references("--filter=blob:none")
        if not self.has(commit):
            raise GitFailure(f"it has no commit {commit}")

    def fetch_references(self, *options: str) -> None:
        """Bring all branches and tags with their history. Raises GitFailure."""
        self._fetch(*options, "origin", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")

    def fetch_objects(self, object_ids: Iterable[str]) -> None:
        """Bring single objects that an earlier fetch left out, as many as the server gives."""
        given = "".join(f"{object_id}\n" for object_id in object_ids).encode()
        with contextlib.suppress(GitFailure):  # what is still missing is seen when it is read
            self._fetch("--filter=blob:none", "--stdin", "origin", given=given)

    def _fetch(self, *arguments: str, given: bytes = b"") -> None:
        command = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--force", *arguments]
        try:
            _run(*command, remote=self._remote, folder=self._folder, given=given, seconds=FETCHING_SECONDS)
        finally:
            self._settle()

    def has(self, name: str) -> bool:
        """Whether an object is here."""
        return self.commit(name) is not None

    def commit(self, name: str) -> str | None:
        """The full name of a commit by the first digits of it, None where none or several have them."""
        try:
            output = _run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", folder=self._folder)
        except GitFailure:
            return None
        return output.decode("ascii", "replace").strip()

    def entries(self, commit: str) -> Generator[Entry, None, None]:
        """Every file, link and submodule of a commit in order. Raises GitFailure.

        They come as git reads them, as folders may contain each other a million times: the caller ends it.
        """
        command = ["ls-tree", "-r", "-z", "--full-tree", commit]
        with _started(command, self._folder) as process:
            for line in _records(process):
                about, _, path = line.partition(b"\t")
                mode, _, object_id = about.decode("ascii", "replace").split(" ", 2)
                yield Entry(mode, object_id, path.decode("utf-8", "backslashreplace"))
            if process.wait(READING_SECONDS):
                raise GitFailure(f"its commit {commit} cannot be read")

    def sizes(self, object_ids: Iterable[str]) -> dict[str, int]:
        """The sizes of the files that are here; those that are not are left out."""
        given = "".join(f"{object_id}\n" for object_id in object_ids).encode()
        output = _run("cat-file", "--batch-check", folder=self._folder, given=given)
        found: dict[str, int] = {}
        for line in output.decode("ascii", "replace").splitlines():
            object_id, _, rest = line.partition(" ")
            kind, _, size = rest.partition(" ")
            if kind == "blob":
                found[object_id] = int(size)
        return found

    def contents(self, object_ids: Iterable[str]) -> dict[str, bytes]:
        """The contents of files that are here, as they were committed."""
        wanted = list(dict.fromkeys(object_ids))
        if not wanted:
            return {}
        given = "".join(f"{object_id}\n" for object_id in wanted).encode()
        output = _run("cat-file", "--batch", folder=self._folder, given=given)
        found: dict[str, bytes] = {}
        at = 0
        for object_id in wanted:
            line = output.index(b"\n", at)
            size = output[at:line].rpartition(b" ")[2]
            at = line + 1
            if size.isdigit():
                found[object_id] = output[at : at + int(size)]
                at += int(size) + 1
        return found


def is_full_commit(text: str) -> bool:
    """Whether a text is the full name of a commit (SHA-1 or SHA-256)."""
    return FULL_COMMIT.fullmatch(text) is not None


def git_program() -> str:
    """The path of git. Raises IndexAccessError without one."""
    found = shutil.which("git")
    if found is None:
        raise IndexAccessError(
            "the program git was not found, so no git dependency can be read", url="", hint="install git"
        )
    return found


# --- running git ----------------------------------------------------------------------------------------------------


def _environment(remote: Remote | None) -> dict[str, str]:
    """The user's environment without what would lead git to another repository, and with our settings last."""
    dropped = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE"}
    dropped |= {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_TRACE",
        "GIT_TRACE_CURL",
        "GIT_CURL_VERBOSE",
        "GIT_EXTERNAL_DIFF",
    }
    kept = {key: value for key, value in os.environ.items() if key not in dropped and not key.startswith("GIT_TRACE")}
    settings = [*SETTINGS]
    if remote is not None:
        settings += [("remote.origin.url", remote.url), *remote.settings]
    given = kept.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdigit() else 0
    for number, (key, value) in enumerate(settings, first):
        kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return kept | {
        "GIT_CONFIG_COUNT": str(first + len(settings)),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",  # no window asks either; credential helpers still answer
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_ALLOW_PROTOCOL": PROTOCOLS,
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }


def _command(arguments: Sequence[str], folder: Path | None) -> list[str]:
    return [git_program(), *([f"--git-dir={folder}"] if folder is not None else []), *arguments]


def _run(
    *arguments: str,
    remote: Remote | None = None,
    folder: Path | None = None,
    given: bytes = b"",
    seconds: float = READING_SECONDS,
) -> bytes:
    """What a git command prints. Raises GitFailure where it fails or takes too long, IndexAccessError without git."""
    with tempfile.TemporaryDirectory() as nowhere:  # the repository that the user may stand in has no say
        process = subprocess.Popen(
            _command(arguments, folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder or nowhere,
            env=_environment(remote),
            start_new_session=True,  # without a terminal nothing can ask, and all of its children end with it
        )
        until = time.monotonic() + seconds
        pending: bytes | None = given
        try:
            while True:
                try:
                    output, errors = process.communicate(pending, timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    pending = None
                    if time.monotonic() > until:
                        raise GitFailure(f"it gave no answer within {seconds:.0f} s") from None
                    if remote is not None and folder is not None and _size(folder) > FETCHED_CAP:
                        raise GitFailure(f"it sends more than {FETCHED_CAP >> 20} MB") from None
        finally:
            _end(process)
    if process.returncode:
        raise GitFailure(_last_words(errors.decode("utf-8", "replace")))
    return output


@contextlib.contextmanager
def _started(arguments: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command whose output is read while it runs, and that ends with the block."""
    process = subprocess.Popen(
        _command(arguments, folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=_environment(None),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)
        if process.stdout is not None:
            process.stdout.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()


def _records(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """The parts of the output that end with a zero byte."""
    assert process.stdout is not None  # noqa: S101 -- it was started with a pipe
    rest = b""
    while chunk := process.stdout.read1(1 << 16):  # type: ignore[attr-defined]  # pipes are buffered readers
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total


def _last_words(text: str) -> str:
    """What git says of its failure: the line that names it, without the prefix."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if line.startswith(("fatal: ", "error: ", "remote: "))]
    chosen = next((line for line in named if line.startswith("fatal: ")), (named or lines or ["git failed"])[-1])
    return re.sub(r"^(?:fatal|error|remote): ", "", re.sub(r"://[^/@\s]*@", "://", chosen))
