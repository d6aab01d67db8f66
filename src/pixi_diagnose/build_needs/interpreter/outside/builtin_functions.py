"""Python's built-in functions, on known values within the caps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..control import Raised
from ..importing import import_module
from ..models import Call, function
from ..objects import NOT_IN_CPYTHON, attribute, call_value, iterate
from ..values import (
    Choice,
    ClassValue,
    Function,
    Instance,
    Made,
    Modelled,
    Opaque,
    Outside,
    SuperOf,
    TreeModule,
    Value,
    is_known,
    mentions,
    truth,
)

__all__: list[str] = []

_PLAIN: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "ascii": ascii,
    "bin": bin,
    "bool": bool,
    "bytes": bytes,
    "chr": chr,
    "divmod": divmod,
    "float": float,
    "frozenset": frozenset,
    "hash": hash,
    "hex": hex,
    "int": int,
    "max": max,
    "min": min,
    "oct": oct,
    "ord": ord,
    "repr": repr,
    "round": round,
    "set": set,
    "str": str,
    "sum": sum,
}


def _plain(call: Call) -> Value:
    name = call.path.rpartition(".")[2]
    if not (is_known(call.args) and is_known(call.keywords)) or any(isinstance(a, Raised) for a in call.args):
        tool = next((t for a in call.args if (t := mentions(a))), "")
        return Opaque(f"{name}()", tool)
    if name == "bool":
        return bool(truth(call.args[0])) if call.args else False
    size = sum(len(a) if isinstance(a, str | bytes | list | tuple) else 1 for a in call.args)
    if not call.m.allocate(size) or (name == "bytes" and any(isinstance(a, int) for a in call.args)):
        return Opaque(f"{name}()")
    try:
        return _PLAIN[name](*call.args, **call.keywords)
    except Exception as error:  # noqa: BLE001 - whatever Python raises, the script's call does
        call.m.fail(type(error), str(error), call.frame, call.node)
        return Opaque(f"{name}()")


for _name in _PLAIN:
    function(f"builtins.{_name}")(_plain)


@function("builtins.len")
def _len(call: Call) -> Value:
    value = call.argument(0)
    if isinstance(value, str | bytes | list | tuple | dict | set | frozenset | range):
        return len(value)
    return Opaque("len()", mentions(value))


@function("builtins.list", "builtins.tuple", "builtins.sorted", "builtins.reversed", "builtins.iter")
def _sequence(call: Call) -> Value:
    if not call.args:
        return () if call.path.endswith("tuple") else []
    value = call.args[0]
    if isinstance(value, Opaque):
        return value
    items = iterate(call.m, value)
    if not call.m.allocate(len(items)):
        return Opaque("a long list")
    if call.path.endswith("sorted"):
        key = call.keywords.get("key")
        if key is None and is_known(items):
            try:
                items = sorted(items, reverse=bool(call.keywords.get("reverse")))
            except TypeError:
                return items
    elif call.path.endswith("reversed"):
        items = items[::-1]
    return tuple(items) if call.path.endswith("tuple") else items


@function("builtins.dict")
def _dict(call: Call) -> Value:
    made: dict[Any, Value] = {}
    for value in call.args[:1]:
        if isinstance(value, dict):
            made.update(value)
        elif isinstance(value, list | tuple):
            for pair in value:
                if isinstance(pair, list | tuple) and len(pair) == 2 and is_known(pair[0]):
                    made[pair[0]] = pair[1]
        else:
            return Opaque("a dict")
    return made | call.keywords


@function("builtins.range")
def _range(call: Call) -> Value:
    if all(isinstance(a, int) for a in call.args) and 1 <= len(call.args) <= 3:
        try:
            return range(*call.args)
        except ValueError:
            return Opaque("range()")
    return Opaque("range()")


@function("builtins.enumerate")
def _enumerate(call: Call) -> Value:
    start = call.argument(1, "start", 0)
    items = iterate(call.m, call.argument(0))
    return [(i, item) for i, item in enumerate(items, start if isinstance(start, int) else 0)]


@function("builtins.zip", "itertools.zip_longest")
def _zip(call: Call) -> Value:
    return list(zip(*(iterate(call.m, a) for a in call.args), strict=False))


@function("builtins.map")
def _map(call: Call) -> Value:
    columns = [iterate(call.m, a) for a in call.args[1:]]
    rows = list(zip(*columns, strict=False))[: call.m.limits.rounds]
    return [call_value(call.m, call.frame, call.args[0], list(row), {}, call.node) for row in rows]


@function("builtins.filter")
def _filter(call: Call) -> Value:
    kept: list[Value] = []
    for item in iterate(call.m, call.argument(1))[: call.m.limits.rounds]:
        test = call.args[0]
        answer = item if test is None else call_value(call.m, call.frame, test, [item], {}, call.node)
        if truth(answer) is not False:
            kept.append(item)
    return kept


@function("builtins.any", "builtins.all")
def _any_all(call: Call) -> Value:
    decisive = call.path.endswith("any")
    answers = [truth(item) for item in iterate(call.m, call.argument(0))]
    if decisive in answers:
        return decisive
    if None in answers:
        tool = next((t for i in iterate(call.m, call.argument(0)) if (t := mentions(i))), "")
        return Opaque(call.path.rpartition(".")[2] + "()", tool)
    return not decisive


@function("builtins.next")
def _next(call: Call) -> Value:
    items = iterate(call.m, call.argument(0))
    if items:
        return items[0]
    if len(call.args) > 1:
        return call.args[1]
    call.m.fail(StopIteration, "", call.frame, call.node)
    return Opaque("next()")


@function("builtins.print", "builtins.setattr", "builtins.delattr", "builtins.vars", "builtins.input")
def _nothing(call: Call) -> Value:
    name = call.path.rpartition(".")[2]
    if name == "setattr" and len(call.args) == 3 and isinstance(call.args[1], str):
        receiver, attribute_name, value = call.args
        if isinstance(receiver, Instance | Made):
            receiver.attributes[attribute_name] = value
        elif isinstance(receiver, ClassValue):
            receiver.names[attribute_name] = value
        elif isinstance(receiver, TreeModule):
            receiver.scope.names[attribute_name] = value
        elif isinstance(receiver, Outside) and receiver.path in {"builtins", "__builtin__"}:
            call.m.builtins[attribute_name] = value
    return None if name in {"print", "setattr", "delattr"} else Opaque(f"{name}()")


@function("builtins.getattr", "builtins.hasattr")
def _getattr(call: Call) -> Value:
    receiver, name = call.argument(0), call.argument(1)
    asks = call.path.endswith("hasattr")
    if not isinstance(name, str):
        return Opaque("getattr()")
    if isinstance(receiver, Outside | Opaque | Choice):
        if isinstance(receiver, Outside) and receiver.path == "sys" and name in NOT_IN_CPYTHON:
            return False if asks else call.argument(2, "default", Opaque(f"sys.{name}"))
        if asks:
            return Opaque("hasattr()", mentions(receiver))
        return attribute(call.m, call.frame, receiver, name, call.node)
    known = _has(receiver, name)
    if asks:
        return Opaque("hasattr()") if known is None else known
    if known is False and len(call.args) > 2:
        return call.args[2]
    return attribute(call.m, call.frame, receiver, name, call.node)


def _has(receiver: Value, name: str) -> bool | None:
    if isinstance(receiver, Instance):
        if name in receiver.attributes or any(
            isinstance(e, ClassValue) and name in e.names for e in receiver.cls.lineage()
        ):
            return True
        return None if receiver.cls.outside_bases() else False
    if isinstance(receiver, TreeModule):
        return True if name in receiver.scope.names else None
    if isinstance(receiver, ClassValue):
        return True if receiver.find(name) is not None else None
    plain = isinstance(receiver, dict | list | tuple | set) or is_known(receiver)
    return hasattr(receiver, name) if plain else None


@function("builtins.isinstance", "builtins.issubclass")
def _isinstance(call: Call) -> Value:
    value, kinds = call.argument(0), call.argument(1)
    options = kinds if isinstance(kinds, tuple) else (kinds,)
    names = [k.path.rpartition(".")[2] for k in options if isinstance(k, Outside)]
    simple = {"str": str, "list": list, "tuple": tuple, "dict": dict, "int": int, "bytes": bytes, "set": set}
    if is_known(value) or isinstance(value, list | tuple | dict):
        known = [simple[name] for name in names if name in simple]
        if any(isinstance(value, kind) for kind in known):
            return True
        return False if len(known) == len(options) else Opaque("isinstance()")
    if isinstance(value, Instance):
        answers = [any(entry is kind or entry == kind for entry in value.cls.lineage()) for kind in options]
        return True if any(answers) else Opaque("isinstance()")
    return Opaque("isinstance()", mentions(value))


@function("builtins.callable")
def _callable(call: Call) -> Value:
    value = call.argument(0)
    if isinstance(value, Function | ClassValue | Modelled):
        return True
    return False if is_known(value) else Opaque("callable()")


@function("builtins.type")
def _type(call: Call) -> Value:
    value = call.argument(0)
    if len(call.args) == 3 and isinstance(call.args[0], str) and isinstance(call.args[1], tuple):
        bases = [b for b in call.args[1] if isinstance(b, ClassValue | Outside)]
        names = call.args[2] if isinstance(call.args[2], dict) else {}
        return ClassValue(call.args[0], bases, dict(names), call.frame.module, None)
    if isinstance(value, Instance):
        return value.cls
    return Outside(f"builtins.{type(value).__name__}") if is_known(value) else Opaque("type()")


@function("builtins.super")
def _super(call: Call) -> Value:
    cls = call.argument(0, default=call.frame.cls)
    receiver = call.argument(1, default=call.frame.receiver)
    if isinstance(cls, ClassValue) and isinstance(receiver, Instance | ClassValue):
        return SuperOf(receiver, cls)
    return Opaque("super()")


@function("builtins.globals", "builtins.locals")
def _globals(call: Call) -> Value:
    return call.frame.module.scope.names if call.path.endswith("globals") else call.frame.scope.names


@function("builtins.__import__", "importlib.import_module", "importlib.__import__")
def _import(call: Call) -> Value:
    name = call.argument(0, "name")
    if not isinstance(name, str):
        call.m.see_unknown("a module is imported whose name is computed", call.evidence)
        return Opaque("an imported module")
    package = call.argument(1, "package")
    if name.startswith(".") and isinstance(package, str):
        name = package + name
    module = import_module(call.m, call.frame, name, call.node)
    if call.path == "builtins.__import__" and "." in name and not call.argument(3, "fromlist"):
        return import_module(call.m, call.frame, name.partition(".")[0], call.node, quiet=True)
    return module


@function("builtins.object")
def _object(_call: Call) -> Value:
    return Opaque("object()")
