"""`dataclass` as the standard library has it, for start-up: its methods are made when they are first needed.

The standard decorator compiles six functions for each class, 0.3 to 0.8 ms, and a run of this program meets 150 classes
and makes instances of a third of them, mostly a few. Here a class costs a twentieth of that: `__init__` is compiled for
a class of which many instances are made, and what compares, prints and copies values is shared by all classes.
Typecheckers see the standard decorator; `replace`, `fields` and `asdict` of the standard library work as ever.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["dataclass"]

Value = TypeVar("Value")

FIELDS = "__dataclass_fields__"
COMPILED_FROM = 24
"""Instances of a class until its `__init__` is compiled: that takes as long as making thirty without."""
COMPARED = "_compared_fields"
"""Where a class keeps what gives the compared values of an instance."""


def _dataclass(*, frozen: bool = False, slots: bool, order: bool = False) -> Callable[[type[Value]], type[Value]]:
    """Make a class with slots for its annotated names, as `dataclasses.dataclass` does with these arguments.

    Raises TypeError for what is not done here: keyword-only fields, ClassVar, and fields that `__post_init__` sets and
    that have a default.
    """
    if not slots:
        raise TypeError("values have slots")

    def decorate(cls: type[Value]) -> type[Value]:
        inherited = {name: f for base in cls.__mro__[:0:-1] for name, f in vars(base).get(FIELDS, {}).items()}
        own = {name: _field(cls, name, annotation) for name, annotation in cls.__annotations__.items()}
        fields = inherited | own
        namespace = {k: v for k, v in vars(cls).items() if k not in own and k not in {"__dict__", "__weakref__"}}
        namespace["__slots__"] = tuple(name for name in own if name not in inherited)
        namespace[FIELDS] = fields
        namespace["__match_args__"] = tuple(fields)
        namespace[COMPARED] = _getter([f.name for f in fields.values() if f.compare])
        namespace["__qualname__"] = cls.__qualname__
        given: dict[str, object] = {"__init__": _first_init, "__repr__": _repr, "__eq__": _equal}
        if frozen:
            given |= {"__setattr__": _refuse_setting, "__delattr__": _refuse_deleting, "__reduce__": _reduce}
        if order:
            given |= _ORDER
        for name, method in given.items():
            namespace.setdefault(name, method)
        if namespace.get("__hash__") is None:
            namespace["__hash__"] = _hash if frozen else None
        metaclass: Any = type(cls)
        made: type[Value] = metaclass(cls.__name__, cls.__bases__, namespace)
        return made

    return decorate


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass


def _field(cls: type, name: str, annotation: Any) -> Field[Any]:
    default = vars(cls).get(name, MISSING)
    found: Field[Any] = default if isinstance(default, Field) else dataclasses.field(default=default)
    is_unset = found.default is MISSING and found.default_factory is MISSING
    if not (found.init or is_unset) or found.kw_only is True or str(annotation).startswith(("ClassVar", "InitVar")):
        raise TypeError(f"{cls.__name__}.{name} is nothing for a lazy dataclass")
    found.name, found.type, found.kw_only = name, annotation, False
    found._field_type = dataclasses._FIELD  # type: ignore[attr-defined]  # noqa: SLF001  # as `fields` asks for it
    return found


def _getter(names: list[str]) -> Callable[[Any], object]:
    return operator.attrgetter(*names) if names else lambda _: ()


def _first_init(self: Any, *args: Any, **keywords: Any) -> None:
    """Stand for the `__init__` of a class until many instances are made, or one with wrong arguments."""
    cls: Any = next(c for c in type(self).__mro__ if vars(c).get("__init__") is _first_init)
    made = _MADE[cls] = _MADE.get(cls, 0) + 1
    if made < COMPILED_FROM and _filled(self, getattr(cls, FIELDS), args, keywords):
        if hasattr(cls, "__post_init__"):
            self.__post_init__()
        return
    cls.__init__ = _compiled_init(cls)
    self.__init__(*args, **keywords)


_MADE: dict[type, int] = {}
"""How many instances there were of classes without a compiled `__init__`."""


def _filled(self: Any, fields: dict[str, Field[Any]], args: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    """Set the fields of an instance from these arguments; False where they are not what the fields ask for."""
    names = [name for name, field in fields.items() if field.init]
    given = dict(zip(names, args, strict=False))
    if len(args) > len(names) or not given.keys().isdisjoint(keywords):
        return False
    given |= keywords
    for name in names:
        field = fields[name]
        if name in given:
            value = given.pop(name)
        elif field.default_factory is not MISSING:
            value = field.default_factory()
        elif field.default is not MISSING:
            value = field.default
        else:
            return False
        object.__setattr__(self, name, value)
    return not given


def _compiled_init(cls: Any) -> Callable[..., None]:
    """The `__init__` that the standard decorator would give to the class."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_MISSING": MISSING}
    parameters, lines = ["self"], []
    is_frozen = cls.__setattr__ is _refuse_setting
    for name, field in getattr(cls, FIELDS).items():
        if not field.init:
            continue
        value = name
        if field.default_factory is not MISSING:
            known[f"_factory_{name}"] = field.default_factory
            parameters.append(f"{name}=_MISSING")
            value = f"_factory_{name}() if {name} is _MISSING else {name}"
        elif field.default is not MISSING:
            known[f"_default_{name}"] = field.default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        lines.append(f" _set(self, {name!r}, {value})" if is_frozen else f" self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    # the names are those of annotations in this program, nothing that was read
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines or [" pass"]), known)  # noqa: S102
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _repr(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name, field in getattr(self, FIELDS).items() if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, object], Any]:
    def method(self: Any, other: object) -> Any:
        if type(other) is not type(self):
            return NotImplemented
        values = getattr(type(self), COMPARED)
        return compare(values(self), values(other))

    return method


_equal = _comparison(operator.eq)
_ORDER = {f"__{name}__": _comparison(getattr(operator, name)) for name in ("lt", "le", "gt", "ge")}


def _hash(self: Any) -> int:
    return hash(getattr(type(self), COMPARED)(self))


def _refuse_setting(self: Any, name: str, _: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r} of {type(self).__name__}")


def _refuse_deleting(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r} of {type(self).__name__}")


def _reduce(self: Any) -> tuple[type, tuple[object, ...]]:
    """For copies and pickles."""
    return type(self), tuple(getattr(self, name) for name, field in getattr(self, FIELDS).items() if field.init)
