"""What one target is offered of a page: for each release one file, or the reason why none (pixi.md P9)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pixi_diagnose.index.pages import IndexFile
from pixi_diagnose.index.releases import (
    Offer,
    OfferList,
    Selection,
    cutoff,
    offer_conda,
    offer_index_versions,
    select,
    synthetic_filename,
)
from pixi_diagnose.index.tags import Target
from pixi_diagnose.manifest.model import Platform

TARGET = Target.of(Platform("linux-64", "linux-64", ()), "3.12")


def file(name: str, **fields: object) -> IndexFile:
    return IndexFile(name, f"https://files.index.example/{name}", **fields)  # type: ignore[arg-type]


def offered(*files: IndexFile | str, **rules: object) -> dict[str, str]:
    """version → the real file that stands behind it."""
    listed = [f if isinstance(f, IndexFile) else file(f) for f in files]
    offers = select("pack", listed, Selection(TARGET, **rules))  # type: ignore[arg-type]
    versions = {"1.0", "1.5", "2.0", "2.0rc1", "3.0+cu124"}
    found = {v: offers.find(synthetic_filename("pack", v)) for v in sorted(versions)}
    return {v: offer.filename for v, offer in found.items() if offer}


def withheld(*files: IndexFile | str, **rules: object) -> dict[str, str]:
    listed = [f if isinstance(f, IndexFile) else file(f) for f in files]
    return select("pack", listed, Selection(TARGET, **rules)).withheld()  # type: ignore[arg-type]


WHEEL = "pack-1.0-py3-none-any.whl"
SDIST = "pack-1.0.tar.gz"
OTHER = "pack-1.0-py3-none-win_amd64.whl"


def test_a_wheel_that_fits_goes_before_the_sdist_whatever_the_order() -> None:
    assert offered(SDIST, WHEEL) == offered(WHEEL, SDIST) == {"1.0": WHEEL}


def test_the_best_wheel_is_taken() -> None:
    native = "pack-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
    assert offered(WHEEL, native) == {"1.0": native}
    assert offered("pack-1.0-1-py3-none-any.whl", "pack-1.0-10-py3-none-any.whl", WHEEL) == {
        "1.0": "pack-1.0-10-py3-none-any.whl"
    }


def test_an_sdist_stands_where_no_wheel_fits_and_knows_the_wheel_for_its_metadata() -> None:
    offer = select("pack", [file(SDIST), file(OTHER)], Selection(TARGET)).find("pack-1.0-py3-none-any.whl")
    assert offer is not None
    assert (offer.kind, offer.filename, offer.why_built) == ("sdist", SDIST, "its wheels are for Windows x86_64 only")
    assert offer.wheel_url.endswith(OTHER)


def test_whether_any_release_has_a_wheel_is_known_of_the_page() -> None:
    assert select("pack", [file(SDIST), file("pack-0.9-py3-none-any.whl")], Selection(TARGET)).has_wheel
    assert not select("pack", [file(SDIST), file(OTHER)], Selection(TARGET)).has_wheel


def test_a_release_without_a_usable_file_is_passed_over_with_a_reason() -> None:
    assert offered(OTHER, "pack-1.5.tar.gz") == {"1.5": "pack-1.5.tar.gz"}
    assert withheld(OTHER) == {"1.0": "its wheels are for Windows x86_64 only"}


def test_no_build_withholds_sdists() -> None:
    assert offered(SDIST, no_build=True) == {}
    assert withheld(SDIST, no_build=True) == {"1.0": "no wheel on the index, and no-build forbids building it"}
    assert offered(WHEEL, "pack-2.0.tar.gz", no_build=True) == {"1.0": WHEEL}


def test_no_binary_takes_the_sdist_although_a_wheel_fits() -> None:
    assert offered(WHEEL, SDIST, no_binary=True) == {"1.0": SDIST}
    assert withheld(WHEEL, no_binary=True) == {"1.0": "no-binary forbids its wheels and it has no sdist"}


def test_a_yanked_wheel_comes_after_an_sdist_that_is_not() -> None:
    assert offered(file(WHEEL, yanked="bad"), SDIST) == {"1.0": SDIST}
    assert offered(file(WHEEL, yanked="bad")) == {"1.0": WHEEL}


def test_pre_releases_can_be_withheld() -> None:
    assert offered("pack-2.0rc1.tar.gz", prereleases=False) == {}
    assert offered("pack-2.0rc1.tar.gz") == {"2.0rc1": "pack-2.0rc1.tar.gz"}


def test_after_the_limit_a_file_does_not_exist_nor_without_a_date() -> None:
    limit = datetime(2024, 1, 1, tzinfo=UTC)
    early, late = "2023-12-31T23:00:00Z", "2024-06-01T00:00:00.5Z"
    assert offered(file(SDIST, upload_time=early), file(WHEEL, upload_time=late), before=limit) == {"1.0": SDIST}
    assert offered(file(WHEEL), before=limit) == {}


def test_files_of_other_projects_and_of_no_kind_are_not_taken() -> None:
    names = ["other-1.0-py3-none-any.whl", "other-1.0.tar.gz", "pack-1.0-py3.12.egg", "pack-1.0.whl", "pack-x.tar.gz"]
    assert offered(*names) == {}


def test_equal_versions_of_different_spelling_are_one_release() -> None:
    offers = select("pack", [file("pack-1.0.0.tar.gz"), file(WHEEL)], Selection(TARGET))
    assert offers.page.count(b'"core-metadata"') == 1


def test_the_page_says_what_the_resolver_needs() -> None:
    offers = select(
        "pack",
        [file("pack-3.0+cu124-py3-none-any.whl", requires_python=">=3.9", yanked="", sha256="a" * 64)],
        Selection(TARGET),
    )
    line = offers.page.decode()
    assert '"url":"pack-3.0%2Bcu124-py3-none-any.whl"' in line
    assert '"requires-python":">=3.9"' in line
    assert '"yanked":true' in line
    assert '"sha256":"' + "a" * 64 in line


def test_an_unreadable_requires_python_is_not_passed_on() -> None:
    assert b"requires-python" not in select("pack", [file(WHEEL, requires_python="any")], Selection(TARGET)).page


def test_conda_stands_as_one_version() -> None:
    assert offer_conda("pack", "1.5").find("pack-1.5-0conda-py3-none-any.whl") == Offer("1.5", "conda")


def test_an_unsolved_conda_package_stands_as_all_fitting_versions_of_the_index() -> None:
    files = [file("pack-1.0.tar.gz"), file("pack-1.5-py3-none-win_amd64.whl"), file("pack-2.0.tar.gz")]
    offers = offer_index_versions("pack", files, ">=1.5")
    found = [offers.find(synthetic_filename("pack", v, "0conda")) for v in ("1.0", "1.5", "2.0")]
    assert found == [None, Offer("1.5", "conda"), Offer("2.0", "conda")]


def test_an_unsolved_conda_package_that_no_index_knows_stands_as_the_version_asked_for() -> None:
    assert offer_index_versions("pack", [], "==1.2.*").find("pack-1.2-0conda-py3-none-any.whl") == Offer("1.2", "conda")


def test_names_are_found_whole() -> None:
    offers = OfferList.of("pack", [Offer("1.0.post1", "conda"), Offer("11.0", "conda")])
    assert offers.find("pack-1.0-py3-none-any.whl") is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31", datetime(2024, 2, 1, tzinfo=UTC)),
        ("2024-01-31T12:00:00Z", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("7 days", datetime(2024, 6, 23, 15, tzinfo=UTC)),
        ("P1W", datetime(2024, 6, 23, 15, tzinfo=UTC)),
        ("soon", None),
        ("2024-13-01", None),
    ],
)
def test_exclude_newer_is_a_date_a_time_or_an_age(text: str, moment: datetime | None) -> None:
    assert cutoff(text, datetime(2024, 6, 30, 15, 42, tzinfo=UTC)) == moment
