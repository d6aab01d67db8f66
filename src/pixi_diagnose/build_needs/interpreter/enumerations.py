"""Members of enumerations: objects with a name and a value, listed and looked up through their class."""

from __future__ import annotations

from .values import ClassValue, Function, Instance, Value, is_known

__all__ = ["make_members", "member_of_value", "members", "plain_value"]

_ENUMERATIONS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag"})
_EQUAL_TO_VALUES = frozenset({"enum.IntEnum", "enum.StrEnum", "enum.IntFlag", "builtins.str", "builtins.int"})
_MEMBERS = "·members"
_EQUALS_VALUE = "·equals value"


def make_members(cls: ClassValue) -> None:
    """Turn the values of an enumeration's body into its members; any other class stays as it is."""
    bases = set(cls.outside_bases())
    if bases.isdisjoint(_ENUMERATIONS):
        return
    found: list[Instance] = []
    for name, value in cls.names.items():
        if name.startswith("_") or isinstance(value, Function | ClassValue):
            continue
        member = Instance(cls)
        member.attributes = {"name": name, "value": value, _EQUALS_VALUE: not bases.isdisjoint(_EQUAL_TO_VALUES)}
        cls.names[name] = member
        found.append(member)
    cls.names[_MEMBERS] = found


def members(value: Value) -> list[Value] | None:
    """The members of an enumeration in order, None for anything else."""
    return value.find(_MEMBERS) if isinstance(value, ClassValue) else None


def member_of_value(cls: ClassValue, value: Value) -> Value | None:
    """The member that has a known value (`Color("red")`), None where it has none or the value is not known."""
    if not is_known(value):
        return None
    return next(
        (m for m in members(cls) or [] if is_known(m.attributes["value"]) and m.attributes["value"] == value), None
    )


def plain_value(value: Value) -> Value:
    """The value of a member that equals it (`class Level(str, Enum)`), anything else as it is."""
    if type(value) is Instance and value.attributes.get(_EQUALS_VALUE):
        return value.attributes["value"]
    return value
