"""The program's own `dataclass` is the standard one in all that the program asks of it, and costs a part of it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace
from typing import Any, get_type_hints

import pytest

from pixi_diagnose.lazy_dataclass import COMPILED_FROM, dataclass


@dataclass(frozen=True, slots=True)
class Release:
    project: str
    version: str = "1.0"
    extras: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)

    @property
    def pin(self) -> str:
        return f"{self.project}=={self.version}"


@dataclass(frozen=True, slots=True)
class YankedRelease(Release):
    reason: str = ""


@dataclass(slots=True)
class Tally:
    count: int = 0
    seen: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


@dataclass(frozen=True, slots=True)
class Sorted:
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(sorted(self.names)))


def standard(cls: type[Any]) -> type[Any]:
    """The same fields under the standard decorator."""
    given = [(f.name, f.type, field(default=f.default, default_factory=f.default_factory)) for f in fields(cls)]
    return dataclasses.make_dataclass(cls.__name__, given, frozen=True, slots=True)


def test_values_are_equal_and_hash_by_their_compared_fields() -> None:
    assert Release("torch", "2.6.0", seconds=1.0) == Release("torch", version="2.6.0", seconds=2.0)
    assert Release("torch") != Release("numpy")
    assert Release("torch") != YankedRelease("torch")
    assert len({Sorted(("b", "a")), Sorted(("a", "b")), Nothing(), Nothing()}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Tally())


@dataclass(frozen=True, slots=True, order=True)
class Position:
    line: int
    column: int = 1


def test_ordered_values_are_sorted_by_their_fields() -> None:
    assert sorted([Position(2), Position(1, 5), Position(1)]) == [Position(1), Position(1, 5), Position(2)]
    assert Position(1) <= Position(1) < Position(2)
    other: Any = Release("torch")
    assert other != Position(1)
    with pytest.raises(TypeError):
        _ = Position(1) < other


def test_values_print_as_the_standard_ones() -> None:
    assert repr(Release("torch")) == repr(standard(Release)("torch"))
    assert repr(Nothing()) == "Nothing()"


def test_a_frozen_value_cannot_be_changed_and_has_no_further_attributes() -> None:
    value = Release("torch")
    with pytest.raises(FrozenInstanceError):
        value.version = "2"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del value.version
    assert not hasattr(value, "__dict__")
    tally = Tally()
    tally.count += 1
    assert tally == Tally(1)
    assert tally.seen is not Tally().seen
    with pytest.raises(AttributeError):
        tally.other = 1  # type: ignore[attr-defined]


def test_arguments_are_taken_as_the_standard_init_takes_them() -> None:
    for arguments, keywords in (((), {}), (("torch",), {"colour": "red"}), (("a", "b", (), {}, 0.0, 1), {})):
        messages = []
        classes: tuple[type[Any], ...] = (Release, standard(Release))
        for cls in classes:
            with pytest.raises(TypeError) as caught:
                cls(*arguments, **keywords)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]
    assert YankedRelease("torch", reason="broken").pin == "torch==1.0"
    assert [f.name for f in fields(YankedRelease)] == [*(f.name for f in fields(Release)), "reason"]


def test_the_standard_functions_work_on_values() -> None:
    value = Release("torch", names={"a": "b"})
    assert is_dataclass(value)
    assert replace(value, version="2") == Release("torch", "2", names={"a": "b"})
    assert asdict(value) == asdict(standard(Release)("torch", names={"a": "b"}))
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value
    assert get_type_hints(Release)["extras"] == tuple[str, ...]
    match value:
        case Release(project, version):
            assert (project, version) == ("torch", "1.0")


def test_what_is_not_done_is_refused_when_the_class_is_made() -> None:
    for given in (field(init=False, default=""), field(kw_only=True)):
        body = {"__annotations__": {"name": "str"}, "name": given}
        with pytest.raises(TypeError):
            dataclass(frozen=True, slots=True)(type("Wrong", (), body))


def test_every_dataclass_of_a_run_is_a_lazy_one() -> None:
    """A class made by the standard decorator costs each run as much as twenty lazy ones."""
    code = (
        "import dataclasses\n"
        "made = []\n"
        "original = dataclasses._process_class\n"
        "def process(cls, *rest, **more):\n"
        "    made.append(cls.__module__ + '.' + cls.__qualname__)\n"
        "    return original(cls, *rest, **more)\n"
        "dataclasses._process_class = process\n"
        "import pixi_diagnose.diagnose, pixi_diagnose.renderers.json_report, pixi_diagnose.renderers.text.report\n"
        "print([name for name in made if name.startswith('pixi_diagnose.')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("wrong", [(), ("app", "1", (), {}, 0.0, "", "more")], ids=["too few", "too many"])
@pytest.mark.parametrize("keywords", [{}, {"other": 1}, {"project": "twice"}], ids=["", "unknown", "twice"])
@pytest.mark.parametrize("made", [0, 1, COMPILED_FROM + 1])
def test_wrong_arguments_are_refused_however_many_instances_there_were(
    made: int, wrong: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    @dataclass(frozen=True, slots=True)
    class Asked(Release):
        asked: str = ""

    for number in range(made):
        assert Asked("app", asked=str(number)).asked == str(number)
    given = wrong if not keywords else ("app",)
    with pytest.raises(TypeError):
        Asked(*given, **keywords)
    assert Asked("app").names == {}


def test_an_instance_is_the_same_before_and_after_its_class_is_compiled() -> None:
    @dataclass(frozen=True, slots=True)
    class Wheel(Release):
        tags: tuple[str, ...] = ("py3-none-any",)

        def __post_init__(self) -> None:
            object.__setattr__(self, "tags", tuple(sorted(self.tags)))

    made = [Wheel("app", "2.0", tags=("b", "a")) for _ in range(COMPILED_FROM + 2)]
    assert set(map(repr, made)) == {repr(made[0])}
    assert all(wheel == made[0] and wheel.tags == ("a", "b") for wheel in made)
    assert made[0].names is not made[-1].names
    assert made[0].names is not made[1].names
