"""Addresses of PEP 508 requirements as the sources that they stand for (as uv 0.13 reads them)."""

from __future__ import annotations

import pytest

from pixi_diagnose.manifest.direct_references import direct_source
from pixi_diagnose.manifest.model import GitSource, PathSource, UrlSource

GIT = "https://index.example/r.git"


@pytest.mark.parametrize(
    ("url", "source"),
    [
        (f"git+{GIT}", GitSource(GIT)),
        (f"git+{GIT}@v1#subdirectory=py", GitSource(GIT, rev="v1", subdirectory="py")),
        (f"git+{GIT}@feature/a", GitSource(GIT, rev="feature/a")),
        (f"git+{GIT}@feature%2Fa", GitSource(GIT, rev="feature/a")),
        (f"git+{GIT}#egg=r&lfs=true", GitSource(GIT, lfs=True)),
        ("git+ssh://git@index.example/r.git", GitSource("ssh://git@index.example/r.git")),
        ("git+ssh://git@index.example/r.git@main", GitSource("ssh://git@index.example/r.git", rev="main")),
        ("git+https://me:pw@index.example/r@a@b", GitSource("https://me:pw@index.example/r@a", rev="b")),
        ("git+https://[broken/r@x", GitSource("https://[broken/r@x")),
        ("file:///a%20b/c", PathSource("/a b/c")),
        ("file://localhost/c", PathSource("/c")),
        ("file:c.zip", PathSource("c.zip")),
        ("file:///c.zip#subdirectory=d", UrlSource("file:///c.zip", "d")),
        ("https://index.example/a.zip", UrlSource("https://index.example/a.zip")),
        (
            "https://index.example/a.zip#sha256=ab&subdirectory=d%20e",
            UrlSource("https://index.example/a.zip", "d e", "ab"),
        ),
    ],
)
def test_an_address_names_its_source(url: str, source: object) -> None:
    assert direct_source(url) == source
