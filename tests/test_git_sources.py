"""Git dependencies: real repositories over file:// and a loopback server; no checkout, and nothing of theirs runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.errors import IndexAccessError, SourceError
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.manifest.direct_references import direct_source
from pixi_diagnose.manifest.model import GitSource
from pixi_diagnose.source_tree import read_directory
from pixi_diagnose.sources import checkouts as checkouts_module
from pixi_diagnose.sources import git as git_module
from pixi_diagnose.sources.checkouts import Checkout, read_checkout
from support.repositories import GitRepository, smart
from support.server import Response, Server

SETUP = "import torch\nfrom setuptools import setup\nsetup(name='kernels', version='1.0')\n"
PYPROJECT = '[project]\nname = "inner"\nversion = "2.0"\n'
FILES = {
    "setup.py": SETUP,
    "kernels/__init__.py": "",
    "kernels/op.cu": "// " + "x" * 5000,
    "README.md": "read me",
    "python/inner/pyproject.toml": PYPROJECT,
}


@pytest.fixture(autouse=True)
def _only_this_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine that the tests run on."""
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[IndexSession]:
    with IndexSession(tmp_path / "cache") as session:
        yield session


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "kernels", FILES)


def offline(tmp_path: Path) -> IndexSession:
    return IndexSession(tmp_path / "cache", offline=True)


def read(url: str, session: IndexSession) -> Checkout:
    source = direct_source(f"git+{url}")
    assert isinstance(source, GitSource)
    return read_checkout(source, session)


# --- what is read ---


def test_the_tree_is_the_one_that_a_checkout_would_be(repository: GitRepository, session: IndexSession) -> None:
    tree = read(repository.url, session).tree
    folder = read_directory(repository.folder)
    assert tree.kind == "git"
    assert tree.files == folder.files
    assert tree.names.keys() == folder.names.keys()
    assert tree.complete
    assert tree.unknowns == ()


def test_the_location_names_the_commit(repository: GitRepository, session: IndexSession) -> None:
    commit = repository.git("rev-parse", "HEAD")
    found = read(f"{repository.url}#subdirectory=python/inner", session)
    assert found.tree.location == f"git+{repository.url}@{commit}#subdirectory=python/inner"


def test_a_subdirectory_is_the_root_of_its_tree(repository: GitRepository, session: IndexSession) -> None:
    found = read(f"{repository.url}#subdirectory=./python/inner/", session)
    assert found.tree.names.keys() == {"pyproject.toml"}
    assert found.subdirectory == "python/inner"
    assert found.pyprojects == {"python/inner/pyproject.toml": PYPROJECT}


def test_files_that_no_build_reads_are_not_fetched(tmp_path: Path, session: IndexSession) -> None:
    repository = GitRepository(tmp_path / "big", {**FILES, "data/model.bin": os.urandom(3_000_000)})
    with Server(smart(tmp_path, "big")) as server:
        tree = read(f"{server.url}/big", session).tree
    assert "data/model.bin" in tree.names
    assert tree.text("setup.py") == SETUP
    assert repository.git("cat-file", "-s", "HEAD:data/model.bin") == "3000000"
    assert all(len(request.body) < 10_000 for request in server.requests)


def test_links_are_followed_within_the_project(tmp_path: Path, session: IndexSession) -> None:
    repository = GitRepository(tmp_path / "linked")
    repository.link("setup.py", "build/real_setup.py")
    repository.link("version.py", "../outside.py")
    repository.link("absolute.py", "/etc/passwd")
    repository.link("dangling.py", "nowhere.py")
    repository.commit({"build/real_setup.py": SETUP})
    tree = read(repository.url, session).tree
    assert tree.text("setup.py") == SETUP
    assert {"version.py", "absolute.py", "dangling.py"}.isdisjoint(tree.names)
    notes = " ".join(u.reason for u in tree.unknowns)
    assert "is a link out of the tree: absolute.py, version.py" in notes
    assert "leads to no file of the tree: dangling.py" in notes


def test_a_submodule_is_named_and_not_followed(tmp_path: Path, session: IndexSession) -> None:
    GitRepository(tmp_path / "glm", {"glm.hpp": ""})
    repository = GitRepository(tmp_path / "kernels", FILES)
    repository.git("submodule", "--quiet", "add", (tmp_path / "glm").as_uri(), "third_party/glm")
    repository.commit({})
    tree = read(repository.url, session).tree
    assert tree.gaps == ("third_party/glm",)
    assert not tree.lacks("third_party/glm/glm.hpp")
    assert tree.lacks("third_party/other.hpp")
    assert [u.reason for u in tree.unknowns] == [
        "not read, because it is a git submodule, whose files are in another repository: third_party/glm"
    ]


def test_an_lfs_pointer_is_no_build_script(tmp_path: Path, session: IndexSession) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12\n"
    repository = GitRepository(tmp_path / "lfs", {**FILES, "setup.py": pointer})
    tree = read(repository.url, session).tree
    assert "setup.py" in tree.names
    assert tree.text("setup.py") is None
    assert "is a git LFS pointer" in tree.unknowns[0].reason


# --- which commit ---


def test_branches_tags_and_commits(repository: GitRepository, session: IndexSession) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "v1")
    repository.git("tag", "--annotate", "--message=x", "v1-annotated")
    repository.git("checkout", "--quiet", "-b", "feature/slow")
    second = repository.commit({"setup.py": "# second"})
    repository.git("checkout", "--quiet", "main")
    third = repository.commit({"setup.py": "# third"})
    for reference, commit in {
        "": third,
        "@main": third,
        "@feature/slow": second,
        "@feature%2Fslow": second,
        "@v1": first,
        "@v1-annotated": first,
        "@refs/tags/v1": first,
        f"@{second}": second,
        f"@{second[:9]}": second,
        f"@{first[:7].upper()}": first,
    }.items():
        assert read(repository.url + reference, session).commit == commit, reference


def test_a_branch_comes_before_a_tag_of_the_same_name(repository: GitRepository, session: IndexSession) -> None:
    repository.git("tag", "both")
    repository.git("checkout", "--quiet", "-b", "both")
    commit = repository.commit({"setup.py": "# branch"})
    assert read(f"{repository.url}@both", session).commit == commit
    tagged = read_checkout(GitSource(repository.url, tag="both"), session)
    assert tagged.tree.text("setup.py") == SETUP


def test_a_branch_that_moved_is_asked_for_again_when_it_is_no_longer_fresh(
    repository: GitRepository, session: IndexSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(f"{repository.url}@main", session)
    second = repository.commit({"setup.py": "# second"})
    assert read(f"{repository.url}@main", session).commit == first.commit
    monkeypatch.setattr(IndexSession, "max_age", -1.0)
    assert read(f"{repository.url}@main", session).commit == second


def test_a_second_run_needs_no_network(repository: GitRepository, session: IndexSession, tmp_path: Path) -> None:
    commit = repository.git("rev-parse", "HEAD")
    urls = (f"{repository.url}@main", repository.url, f"{repository.url}@{commit}#subdirectory=python/inner")
    before = [read(url, session) for url in urls]
    shutil.rmtree(repository.folder)
    with offline(tmp_path) as again:
        assert [read(url, again) for url in urls] == before


def test_offline_says_what_is_not_kept(tmp_path: Path) -> None:
    with offline(tmp_path) as session, pytest.raises(IndexAccessError, match="is not in the cache"):
        read("https://index.example/r.git", session)


# --- servers ---


def test_over_http_a_server_sends_a_shallow_commit(tmp_path: Path, session: IndexSession) -> None:
    repository = GitRepository(tmp_path / "kernels")
    for number in range(30):
        repository.commit({f"old{number}.bin": os.urandom(20_000)})
    repository.commit({**{f"old{number}.bin": b"" for number in range(30)}, **FILES})
    with Server(smart(tmp_path, "kernels")) as server:
        tree = read(f"{server.url}/kernels", session).tree
        sent = [r for r in server.requests if r.method == "POST"]
    assert tree.text("setup.py") == SETUP
    assert len(sent) <= 4


def test_a_server_that_cannot_filter_sends_more_and_the_same_is_read(tmp_path: Path, session: IndexSession) -> None:
    repository = GitRepository(tmp_path / "kernels", FILES, filters=False)
    commit = repository.git("rev-parse", "HEAD")
    with Server(smart(tmp_path, "kernels")) as server:
        for reference in (f"@{commit}", "@main", f"@{commit[:8]}"):
            found = read(f"{server.url}/kernels{reference}", session)
            assert found.tree.files == read_directory(repository.folder).files


def test_a_server_of_plain_files_does_too(tmp_path: Path, session: IndexSession) -> None:
    repository = GitRepository(tmp_path / "kernels", FILES)
    first = repository.git("rev-parse", "HEAD")
    repository.commit({"setup.py": "# second"})
    repository.git("update-server-info")
    with Server(folder=tmp_path) as server:
        assert read(f"{server.url}/kernels/.git@{first}", session).tree.text("setup.py") == SETUP
        assert read(f"{server.url}/kernels/.git", session).tree.text("setup.py") == "# second"


def test_a_password_in_the_url_reaches_the_server_and_nothing_else(
    tmp_path: Path, session: IndexSession, capfd: pytest.CaptureFixture[str]
) -> None:
    GitRepository(tmp_path / "kernels", FILES)
    with Server(smart(tmp_path, "kernels"), credentials=("me", "s3cr@t")) as server:
        secret = server.url.replace("http://", "http://me:s3cr%40t@")
        found = read(f"{secret}/kernels", session)
        wrong = server.url.replace("http://", "http://me:wr0ng@")
        with pytest.raises(IndexAccessError) as raised:
            read(f"{wrong}/kernels@other", session)
    assert found.tree.text("setup.py") == SETUP
    assert "s3cr" not in found.tree.location
    assert "wr0ng" not in str(raised.value)
    assert "".join(capfd.readouterr()) == ""
    session.cache.flush()
    kept = b"".join(path.read_bytes() for path in session.cache.directory.rglob("*") if path.is_file())
    assert b"s3cr" not in kept


def test_a_server_that_does_not_answer_is_given_up(session: IndexSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_module, "ASKING_SECONDS", 0.6)
    slow = Server({"/slow/info/refs": Response(delay=5)})
    with slow as server, pytest.raises(IndexAccessError, match="gave no answer within"):
        read(f"{server.url}/slow", session)


# --- what is not there ---


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("@nothing", "has no branch or tag nothing"),
        ("@abcdef123", "has no branch, tag or commit abcdef123"),
        (f"@{'ab' * 20}", f"has no commit {'ab' * 20}"),
        ("#subdirectory=absent", "the repository has no folder absent"),
        ("#subdirectory=../outside", "leads out of the repository"),
        ("@--upload-pack=touch", "has no branch or tag --upload-pack=touch"),
    ],
)
def test_what_is_not_in_a_repository(
    repository: GitRepository, session: IndexSession, reference: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        read(repository.url + reference, session)


def test_a_folder_that_is_no_repository(tmp_path: Path, session: IndexSession) -> None:
    with pytest.raises(IndexAccessError, match=r"cannot be read: .*does not appear to be a git repository"):
        read((tmp_path / "nothing").as_uri(), session)


def test_an_empty_repository(tmp_path: Path, session: IndexSession) -> None:
    with pytest.raises(SourceError, match="has no default branch"):
        read(GitRepository(tmp_path / "empty").url, session)


def test_a_machine_without_git(
    repository: GitRepository, session: IndexSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(IndexAccessError, match="the program git was not found"):
        read(repository.url, session)


def test_folders_that_contain_each_other_are_not_listed_to_their_end(
    tmp_path: Path, session: IndexSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkouts_module, "ENTRIES_CAP", 500)
    repository = GitRepository(tmp_path / "bomb")
    (repository.folder / "f").write_text("x")
    blob = repository.git("hash-object", "-w", "f")
    tree = make_tree(repository, [f"100644 blob {blob}\tf{n}" for n in range(10)])
    for _ in range(9):
        tree = make_tree(repository, [f"040000 tree {tree}\td{n}" for n in range(10)])
    commit = repository.git("commit-tree", tree, "-m", "bomb")
    repository.git("update-ref", "refs/heads/main", commit)
    found = read(repository.url, session).tree
    assert not found.complete
    assert any("was not read to its end" in u.reason and u.fault for u in found.unknowns)


def make_tree(repository: GitRepository, lines: list[str]) -> str:
    listing = repository.folder.parent / "listing"
    listing.write_text("".join(f"{line}\n" for line in lines))
    return repository.git("-c", f"alias.made=!git mktree < {listing}", "made")


# --- nothing runs ---


def test_no_hook_filter_or_helper_of_a_repository_runs(
    tmp_path: Path, session: IndexSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "executed"
    touch = f"touch {marker}"
    repository = GitRepository(tmp_path / "hostile")
    repository.commit(
        FILES
        | {
            ".gitattributes": "* filter=evil diff=evil\n",
            ".gitconfig": f'[filter "evil"]\n\tsmudge = {touch}\n\tclean = {touch}\n',
            ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "{touch}"\n\tupdate = !{touch}\n',
        }
    )
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'ab' * 20},x")
    repository.git("commit", "--quiet", "--message=submodule")
    for key in ("filter.evil.smudge", "filter.evil.clean", "diff.evil.textconv", "core.fsmonitor", "core.sshCommand"):
        repository.git("config", key, touch)
    hooks = repository.folder / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"):
        (hooks / name).write_text(f"#!/bin/sh\n{touch}\n")
        (hooks / name).chmod(0o755)
    template = tmp_path / "template" / "hooks"
    shutil.copytree(hooks, template)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template.parent))
    assert read(repository.url, session).tree.text("setup.py") == SETUP
    assert not marker.exists()


@pytest.mark.parametrize(
    "url", ["ext::sh -c 'touch {marker}'", "ext::touch%20{marker}", "fd::7", "-u./x", "evil://x/y"]
)
def test_only_the_usual_protocols_are_spoken(tmp_path: Path, session: IndexSession, url: str) -> None:
    marker = tmp_path / "executed"
    with pytest.raises(IndexAccessError, match="cannot be read"):
        read_checkout(GitSource(url.format(marker=marker)), session)
    assert not marker.exists()


def test_nothing_is_left_of_a_repository_but_what_was_read(repository: GitRepository, session: IndexSession) -> None:
    read(repository.url, session)
    session.cache.flush()
    assert [path.name for path in session.cache.directory.iterdir() if path.is_dir()] == []
