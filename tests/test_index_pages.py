"""Project pages: what the body is decides how it is read, and one odd link never costs the others."""

from __future__ import annotations

import json
import time

import pytest

from pixi_diagnose.index.pages import IndexFile, PageError, parse_page, split_sdist, split_wheel

URL = "https://index.example/simple/pack/"
HASH = "0123456789abcdef" * 4


def one(page: str | dict[str, object]) -> IndexFile:
    body = page if isinstance(page, str) else json.dumps(page)
    (file,) = parse_page(body.encode(), URL).files
    return file.read()


def html(attributes: str, text: str = "pack-1.0.tar.gz") -> str:
    return f"<!DOCTYPE html><html><body><a {attributes}>{text}</a><br/></body></html>"


def pep691(**fields: object) -> dict[str, object]:
    return {"meta": {"api-version": "1.1"}, "files": [{"filename": "pack-1.0.tar.gz", "url": "p.tar.gz", **fields}]}


def test_html_attributes_are_read() -> None:
    file = one(
        html(
            f'href="../../files/pack-1.0.tar.gz#sha256={HASH}" data-requires-python="&gt;=3.8" data-yanked="broken"'
            f' data-upload-time="2024-05-01T00:00:00Z" data-core-metadata="sha256={HASH}"'
        )
    )
    assert file == IndexFile(
        "pack-1.0.tar.gz",
        "https://index.example/files/pack-1.0.tar.gz",
        HASH,
        ">=3.8",
        "broken",
        "2024-05-01T00:00:00Z",
        HASH,
    )


def test_json_fields_are_read() -> None:
    fields = {"hashes": {"sha256": HASH}, "requires-python": ">=3.8", "yanked": "broken", "size": 7}
    file = one(pep691(**fields, **{"upload-time": "2024-05-01T00:00:00Z", "core-metadata": {"sha256": HASH}}))
    assert file == IndexFile(
        "pack-1.0.tar.gz", URL + "p.tar.gz", HASH, ">=3.8", "broken", "2024-05-01T00:00:00Z", HASH, 7
    )


def test_yanked_without_a_reason_is_yanked() -> None:
    assert one(html('href="pack-1.0.tar.gz" data-yanked')).yanked == ""
    assert one(pep691(yanked=True)).yanked == ""
    assert one(pep691(yanked=False)).yanked is None


def test_the_older_spelling_of_core_metadata_counts() -> None:
    """PEP 714: data-dist-info-metadata is what PEP 658 called it."""
    assert one(html('href="pack-1.0.tar.gz" data-dist-info-metadata="true"')).core_metadata == ""
    assert one(pep691(**{"dist-info-metadata": True})).core_metadata == ""
    assert one(pep691(**{"core-metadata": False})).core_metadata is None


@pytest.mark.parametrize(
    "link",
    [
        "<A HREF='pack-1.0.tar.gz'>pack-1.0.tar.gz</A>",
        '<a\n  rel="internal"\n  href="pack-1.0.tar.gz"\n>pack-1.0.tar.gz</a>',
        '<a href="pack-1.0.tar.gz" data-requires-python=">=3.8">pack-<b>1.0</b>.tar.gz</a>',
        "<a href=pack-1.0.tar.gz>pack-1.0.tar.gz",
        '<a href="pack-1.0.tar.gz?token=1">whatever</a>',
        '<a href="download?id=7">pack-1.0.tar.gz</a>',
    ],
)
def test_irregular_html_is_read_as_well(link: str) -> None:
    assert one(f"<html><body>{link}</body></html>").filename == "pack-1.0.tar.gz"


def test_a_base_element_counts_for_relative_links() -> None:
    page = '<html><head><base href="https://files.index.example/"></head><a href="pack-1.0.tar.gz">p</a></html>'
    assert one(page).url == "https://files.index.example/pack-1.0.tar.gz"


def test_percent_signs_in_a_link_are_decoded_in_the_name() -> None:
    assert one(html('href="pack-1.0%2Bcu124.tar.gz"', "pack")).filename == "pack-1.0+cu124.tar.gz"


def test_links_that_name_no_file_are_counted_not_taken() -> None:
    page = parse_page(b'<a href="pack-1.0.exe">pack-1.0.exe</a><a href="/">home</a><a href="pack-1.0.zip">z</a>', URL)
    assert ([f.filename for f in page.files], page.skipped) == (["pack-1.0.zip"], 2)


def test_entries_of_the_wrong_form_are_counted_not_taken() -> None:
    body = json.dumps({"files": [7, {"filename": "pack-1.0.zip"}, {"filename": "pack-1.0.zip", "url": "x"}]})
    page = parse_page(body.encode(), URL)
    assert (len(page.files), page.skipped) == (1, 2)


def test_an_address_that_is_none_costs_only_its_link() -> None:
    html_page = parse_page(b'<a href="//[x/pack-1.0.zip">z</a><a href="pack-1.1.zip">z</a>', URL)
    body = json.dumps({"files": [{"filename": "pack-1.0.zip", "url": "http://[x"}, {"filename": "b.zip", "url": "b"}]})
    json_page = parse_page(body.encode(), URL)
    assert [(len(p.files), p.skipped) for p in (html_page, json_page)] == [(1, 1), (1, 1)]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"files": {}}', b"\x00\x01\x02", b"Service unavailable", b"{" * 100_000]
)
def test_a_body_that_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(PageError):
        parse_page(body, URL)


def test_an_html_page_without_links_is_a_page() -> None:
    assert parse_page(b"<!DOCTYPE html><html><body></body></html>", URL).files == ()


def test_a_hash_of_another_form_is_not_taken_for_a_sha256() -> None:
    assert one(html(f'href="pack-1.0.tar.gz#md5={HASH[:32]}"')).sha256 == ""
    assert one(pep691(hashes={"sha256": "xyz"})).sha256 == ""


def test_a_large_page_is_read_in_milliseconds() -> None:
    link = "https://files.index.example/p/pack-{0}.0-py3-none-any.whl#sha256={1}"
    line = f'<a href="{link}" data-requires-python="&gt;=3.8">'
    page = "".join(line.format(n, HASH) + f"pack-{n}.0-py3-none-any.whl</a><br/>\n" for n in range(1500))
    assert len(page) > 300_000
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        assert len(parse_page(page.encode(), URL).files) == 1500
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.05  # 8 ms on a small machine; a parser of the standard library takes twenty times as long


@pytest.mark.parametrize(
    ("filename", "parts"),
    [
        ("pack-1.0-py3-none-any.whl", ("pack", "1.0", "", "py3-none-any")),
        ("pack-1.0-2a-py2.py3-none-any.whl", ("pack", "1.0", "2a", "py2.py3-none-any")),
        ("pack-1.0.whl", None),
        ("pack-1.0-x-py3-none-any.whl", None),
    ],
)
def test_wheel_names(filename: str, parts: tuple[str, ...] | None) -> None:
    assert split_wheel(filename) == parts


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("my_pack-1.0.tar.gz", "1.0"),
        ("my-pack-1.0.zip", "1.0"),
        ("My.Pack-1.0.tar.bz2", "1.0"),
        ("my-pack-1.0-1.tar.gz", "1.0-1"),
        ("my-pack-extra-1.0.tar.gz", "extra-1.0"),
        ("pack-1.0.tar.gz", None),
        ("my_pack-1.0.egg", None),
    ],
)
def test_sdist_names(filename: str, version: str | None) -> None:
    assert split_sdist(filename, "my-pack") == version
