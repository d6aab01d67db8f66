"""GitSource → the commit that it stands for today, and that commit's build files: no checkout, nothing of it runs."""

from __future__ import annotations

import contextlib
import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import IndexAccessError, SourceError
from ..lazy_dataclass import dataclass
from ..manifest.model import GitSource
from .git import Entry, GitFailure, Remote, Repository, is_full_commit

if TYPE_CHECKING:
    from ..index.session import IndexSession
    from ..source_tree import SourceTree
    from ..source_tree.collecting import Wanted

__all__ = ["Checkout", "git_location", "read_checkout"]

FORMAT = 1
"""Of what is kept: raised when its form changes."""
ENTRIES_CAP = 400_000
"""Entries of one commit that are looked through; the largest repositories that were met have 100,000 files."""
SHORTEST_COMMIT = 7
POINTER = b"version https://git-lfs.github.com/spec/"
POINTER_BYTES = 1024
SUBMODULE = "is a git submodule, whose files are in another repository"
LFS = "is a git LFS pointer, whose content is on another server"
LINK_OUT = "is a link out of the tree"
LINK_ELSEWHERE = "is a link that leads to no file of the tree"
LINKS_FOLLOWED = 8


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit of a repository, `subdirectory` the folder of the project in it ("" is its root).

    `tree` is rooted there. `pyprojects` are the texts of all pyproject.toml of the commit by their paths from its root:
    what a project requires may depend on those above and beside it (`[tool.uv.workspace]`).
    """

    url: str
    commit: str
    subdirectory: str
    tree: SourceTree
    pyprojects: Mapping[str, str] = field(default_factory=dict)


def git_location(source: GitSource, commit: str = "") -> str:
    """How a git source is called: `git+URL@reference#subdirectory=…`, without credentials."""
    reference = commit or source.rev or source.tag or source.branch or ""
    subdirectory = _subdirectory(source)
    url = f"git+{Remote.of(source.url).url}"
    return url + (f"@{reference}" if reference else "") + (f"#subdirectory={subdirectory}" if subdirectory else "")


def read_checkout(source: GitSource, session: IndexSession) -> Checkout:
    """The build files of a git source at the commit that it names now.

    What a branch or tag stands for is asked for as often as an index page is; a commit is read once. Raises SourceError
    for a reference or a folder that is not there, IndexAccessError where the repository cannot be asked.
    """
    subdirectory = _subdirectory(source)
    if subdirectory.split("/", 1)[0] == ".." or subdirectory.startswith("/"):
        raise SourceError(f"{git_location(source)}: the subdirectory leads out of the repository")
    remote = Remote.of(source.url)
    commit = _commit(source, remote, session)
    kept = _kept(remote, commit, subdirectory, session)
    if kept is None:
        kept = _read(remote, commit, subdirectory, session)
        session.cache.put("tree", _key(commit, subdirectory), kept.tree.to_bytes())
        session.cache.put("git", _key(commit), json.dumps(kept.pyprojects).encode())
        session.cache.flush()
    if subdirectory and not kept.tree.names:
        raise SourceError(f"{git_location(source, commit)}: the repository has no folder {subdirectory}")
    return replace(kept, tree=replace(kept.tree, location=git_location(source, commit)))


def _subdirectory(source: GitSource) -> str:
    path = posixpath.normpath(source.subdirectory.replace("\\", "/")) if source.subdirectory else ""
    return "" if path == "." else path


def _key(commit: str, subdirectory: str = "") -> str:
    return f"{FORMAT} {commit} {subdirectory}".strip()


# --- which commit ---------------------------------------------------------------------------------------------------


def _commit(source: GitSource, remote: Remote, session: IndexSession) -> str:
    """The commit of a reference; a full one is one already."""
    if source.rev and is_full_commit(source.rev.lower()):
        return source.rev.lower()
    names = _names(source)
    key = f"{FORMAT} {remote.url} {' '.join(names)}"
    kept = session.cache.get("git-reference", key, max_age=session.max_age)
    if kept is not None:
        return kept.decode()
    _refuse_offline(remote, session)
    try:
        found = remote.references(names)
        commit = next((found[name] for name in names if name in found), None)
        if commit is None and source.rev and _looks_like_commit(source.rev):
            commit = _abbreviated(source.rev, remote, session)
    except GitFailure as failure:
        raise _unreachable(remote, failure) from None
    if commit is None:
        raise SourceError(_missing(source, remote))
    session.cache.put("git-reference", key, commit.encode())
    session.cache.flush()
    return commit


def _names(source: GitSource) -> tuple[str, ...]:
    """The references that a source may mean, in the order in which uv 0.13 tries them: a branch before a tag."""
    if source.branch:
        return (f"refs/heads/{source.branch}",)
    if source.tag:
        return (f"refs/tags/{source.tag}",)
    if not source.rev:
        return ("HEAD",)
    if source.rev.startswith("refs/"):
        return (source.rev,)
    return f"refs/heads/{source.rev}", f"refs/tags/{source.rev}"


def _looks_like_commit(text: str) -> bool:
    return len(text) >= SHORTEST_COMMIT and all(c in "0123456789abcdef" for c in text.lower())


def _abbreviated(start: str, remote: Remote, session: IndexSession) -> str | None:
    """The one commit of all branches and tags whose name begins so: their history is asked for, without any files."""
    with Repository.temporary(remote, session.cache.directory) as repository:
        repository.fetch_references("--filter=tree:0")
        return repository.commit(start.lower())


def _missing(source: GitSource, remote: Remote) -> str:
    if source.branch:
        return f"{remote.url} has no branch {source.branch}"
    if source.tag:
        return f"{remote.url} has no tag {source.tag}"
    if not source.rev:
        return f"{remote.url} has no default branch: it is empty"
    kinds = "branch, tag or commit" if _looks_like_commit(source.rev) else "branch or tag"
    return f"{remote.url} has no {kinds} {source.rev}"


def _refuse_offline(remote: Remote, session: IndexSession) -> None:
    if session.offline and not remote.url.startswith("file:"):
        raise IndexAccessError(f"{remote.url} is not in the cache, and the network must not be used", url=remote.url)


def _unreachable(remote: Remote, failure: GitFailure) -> IndexAccessError:
    return IndexAccessError(
        f"the git repository {remote.url} cannot be read: {failure}",
        url=remote.url,
        hint="git itself must be able to read it without asking for a password: try git ls-remote",
    )


# --- its files ------------------------------------------------------------------------------------------------------


def _kept(remote: Remote, commit: str, subdirectory: str, session: IndexSession) -> Checkout | None:
    from ..source_tree import SourceTree

    tree = session.cache.get("tree", _key(commit, subdirectory))
    pyprojects = session.cache.get("git", _key(commit))
    if tree is None or pyprojects is None:
        return None
    try:
        return Checkout(remote.url, commit, subdirectory, SourceTree.from_bytes(tree), json.loads(pyprojects))
    except ValueError:  # kept by a version that wrote trees in another form
        return None


def _read(remote: Remote, commit: str, subdirectory: str, session: IndexSession) -> Checkout:
    _refuse_offline(remote, session)
    try:
        with Repository.temporary(remote, session.cache.directory, sha256=len(commit) > 40) as repository:
            try:
                repository.fetch_commit(commit)
            except GitFailure:
                remote.references(("HEAD",))  # whether it is the commit or the repository that is not there
                raise SourceError(f"{remote.url} has no commit {commit}") from None
            return _Reading(repository, subdirectory).checkout(remote, commit)
    except GitFailure as failure:
        raise _unreachable(remote, failure) from None


class _Reading:
    """One commit as a source tree: what is of interest is chosen by name, asked for at once, and then read."""

    def __init__(self, repository: Repository, subdirectory: str) -> None:
        from ..source_tree.collecting import Collector

        self._repository = repository
        self._prefix = f"{subdirectory}/" if subdirectory else ""
        self._collector = Collector(strip=False)
        self._gaps: list[str] = []
        self._files: dict[str, Entry] = {}
        self._links: dict[str, Entry] = {}
        self._cut = ""

    def checkout(self, remote: Remote, commit: str) -> Checkout:
        from ..source_tree import SourceTree

        pyprojects: dict[str, Entry] = {}
        for entry in self._entries(commit):
            if posixpath.basename(entry.path) == "pyproject.toml" and not (entry.is_link or entry.is_submodule):
                pyprojects[entry.path] = entry
            self._sort(entry)
        wanted = {e.object_id for e in self._interesting()} | {e.object_id for e in pyprojects.values()}
        self._bring(wanted)
        self._follow_links()
        self._take()
        self._collector.full = self._collector.full or self._cut
        texts = self._contents(e.object_id for e in pyprojects.values())
        files, names, unknowns = self._collector.result()
        tree = SourceTree(
            "git",
            remote.url,
            "",
            files,
            names,
            not self._collector.full,
            unknowns,
            tuple(self._gaps),
            self._collector.native(),
        )
        return Checkout(
            remote.url,
            commit,
            self._prefix.rstrip("/"),
            tree,
            {
                p: texts[e.object_id].decode("utf-8-sig", "replace")
                for p, e in pyprojects.items()
                if e.object_id in texts
            },
        )

    def _entries(self, commit: str) -> Iterator[Entry]:
        """The entries of the commit, as many as are looked at."""
        with contextlib.closing(self._repository.entries(commit)) as entries:
            yield from islice(entries, ENTRIES_CAP)
            if next(entries, None) is not None:
                self._cut = f"its repository has more than {ENTRIES_CAP} files"

    def _sort(self, entry: Entry) -> None:
        """Where an entry belongs; paths in `_files` and `_links` are the repository's."""
        if entry.is_submodule:
            if entry.path.startswith(self._prefix):
                inner = entry.path.removeprefix(self._prefix)
                self._gaps.append(inner)
                self._collector.note(SUBMODULE, inner)
        elif entry.is_link:
            self._links[entry.path] = entry
        else:
            self._files[entry.path] = entry

    def _interesting(self) -> Iterable[Entry]:
        """What has to be read: build files of the project, and links with such names."""
        from ..source_tree.collecting import kept_limit

        for entries in (self._files, self._links):
            for path, entry in entries.items():
                if path.startswith(self._prefix) and kept_limit(path.removeprefix(self._prefix)):
                    yield entry

    def _bring(self, object_ids: Iterable[str]) -> None:
        """Ask for what the fetch left out, all at once."""
        wanted = set(object_ids)
        missing = wanted - self._repository.sizes(wanted).keys()
        if missing:
            self._repository.fetch_objects(sorted(missing))

    def _contents(self, object_ids: Iterable[str]) -> dict[str, bytes]:
        from ..source_tree.collecting import BUILD_FILE

        sizes = self._repository.sizes(set(object_ids))
        return self._repository.contents(o for o, size in sizes.items() if size <= BUILD_FILE)

    def _follow_links(self) -> None:
        """A link counts as the file that it leads to, if that lies in the project's folder, as in a folder on disk."""
        interesting = {e.path: e for e in self._interesting() if e.is_link}
        targets = self._contents(e.object_id for e in interesting.values())
        found: set[str] = set()
        for path, link in interesting.items():
            target = self._target(path, targets.get(link.object_id, b""), targets)
            inner = path.removeprefix(self._prefix)
            if target is None or not target.startswith(self._prefix):
                self._collector.note(LINK_OUT, inner)
            elif target not in self._files:
                self._collector.note(LINK_ELSEWHERE, inner)
            else:
                self._files[path] = replace(self._files[target], path=path)
                found.add(self._files[target].object_id)
        self._bring(found)

    def _target(self, path: str, content: bytes, targets: Mapping[str, bytes]) -> str | None:
        """The path that a link leads to in the repository, None out of it."""
        for _ in range(LINKS_FOLLOWED):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), content.decode("utf-8", "replace")))
            if path.startswith(("../", "/")) or path == "..":
                return None
            link = self._links.get(path)
            if link is None:
                break
            content = targets.get(link.object_id, b"")
        return path

    def _take(self) -> None:
        """Give the project's files to the collector, which knows what is kept and what is too much."""
        inside = {p.removeprefix(self._prefix): e for p, e in sorted(self._files.items()) if p.startswith(self._prefix)}
        sizes = self._repository.sizes({e.object_id for e in self._interesting()})
        wanted: dict[Wanted, str] = {}
        for path, entry in inside.items():
            if self._collector.full:
                break
            file = self._collector.wants(path, sizes.get(entry.object_id, 0))
            if file is not None and file.kept:  # for a look at others they would have to be fetched
                wanted[file] = entry.object_id
        contents = self._repository.contents(wanted.values())
        for file, object_id in wanted.items():
            data = contents.get(object_id)
            if data is None:
                self._collector.unknown(f"{file.path} could not be had from the repository", file.path)
            elif len(data) <= POINTER_BYTES and data.startswith(POINTER):
                self._collector.note(LFS, file.path)
            else:
                self._collector.take(file, data)
