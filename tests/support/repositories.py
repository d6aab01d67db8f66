"""Git repositories made by tests with the real git, and a loopback server for them (git's own http-backend)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .packages import Files, write_files
from .server import Request, Response, Route

ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@index.example",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@index.example",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
}

ASKED = ("info/refs", "git-upload-pack")


class GitRepository:
    """A repository with a work tree; `commit` writes files and commits them, returning the commit's name."""

    def __init__(self, folder: Path, files: Files | None = None, *, filters: bool = True) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", "--template=")
        for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            self.git("config", name, str(filters).lower())
        if files is not None:
            self.commit(files)

    @property
    def url(self) -> str:
        return self.folder.resolve().as_uri()

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "protocol.file.allow=always", "-c", "core.symlinks=true", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=ENVIRONMENT, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, files: Files) -> str:
        write_files(self.folder, files)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")

    def link(self, path: str, target: str) -> None:
        (self.folder / path).symlink_to(target)


def smart(root: Path, *names: str) -> dict[str, Route]:
    """Routes of a server that speaks git's protocol for repositories below `root`: what a fetch asks of each."""
    return {f"/{name}/{path}": _backend(root, f"/{name}/{path}") for name in names for path in ASKED}


def _backend(root: Path, path: str) -> Route:
    def answer(request: Request) -> Response:
        environment = ENVIRONMENT | {
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": request.path.partition("?")[2],
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        }
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "http-backend"],
            input=request.body,
            env=environment,
            check=True,
            capture_output=True,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        return Response(body, status, headers.pop("Content-Type", "text/plain"), headers)

    return answer
