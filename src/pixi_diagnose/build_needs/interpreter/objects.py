"""Objects: attributes, items, assignment, functions, classes and calls."""

from __future__ import annotations

import ast

from ..model import Strength
from ..tables import removed_attributes
from .control import Raised, Return
from .enumerations import make_members, member_of_value, members
from .environment_variables import read_item, write_item
from .importing import check_removed, submodule
from .known_methods import known_attribute
from .machine import Frame, Machine
from .models import CONSTANTS, FUNCTIONS, METHODS, Call, canonical_path
from .values import (
    BoundMethod,
    Choice,
    ClassValue,
    Function,
    Instance,
    Made,
    Modelled,
    Opaque,
    Outside,
    OutsideMethod,
    Scope,
    SuperOf,
    TreeModule,
    Value,
    is_abstract,
    mentions,
    merge,
)

__all__ = [
    "NOT_IN_CPYTHON",
    "UNKNOWN_BASE",
    "assign",
    "attribute",
    "call_function",
    "call_value",
    "delete",
    "frame_store",
    "has_known_items",
    "item_of",
    "iterate",
    "make_class",
    "make_function",
]

_INDEXED = (dict, list, tuple, str, bytes, range)
_LISTED = (list, tuple, dict)
_TARGETS = (ast.Tuple, ast.List)
_SAME_FUNCTION_DEPTH = 4
_FRUITLESS_CALLS = 3
_UNDECIDED_DEPTH = 9
"""Conditions above each other beyond which calls are not followed: their combinations grow without end."""
UNKNOWN_BASE = "unknown.base"
"""The path of a base class that is not known."""
_UNCHANGED_BY = {"builtins.staticmethod": "static", "builtins.classmethod": "class", "builtins.property": "property"}
_COMMAND_OPTIONS: dict[str, Value] = {
    "dry_run": False,
    "inplace": False,
    "editable_mode": False,
    "skip_build": False,
    "uninstall": None,
}
"""Options of distutils' commands that the hooks leave at their defaults."""
_WITHOUT_ATTRIBUTES = frozenset({dict, list, tuple, set, str, bytes, int, bool, float, type(None)})
"""Plain values take no attributes, `__builtins__` among them: it is a dict where setuptools runs setup.py by exec."""
_LAZY_PROPERTIES = {"functools.cached_property"}
NOT_IN_CPYTHON = frozenset(
    {"pypy_version_info", "pypy_translation_info", "maxint", "setdefaultencoding", "real_prefix"}
)
"""Attributes of sys that other Pythons have, or old ones: scripts ask for them to tell which one runs."""


# -- attributes -------------------------------------------------------------------------------------------------------


def attribute(m: Machine, frame: Frame, value: Value, name: str, node: ast.AST) -> Value:
    """`value.name`."""
    if type(value) is Outside:
        return _outside_attribute(m, frame, value.path, name, node)
    if is_abstract(value) or isinstance(value, Raised):
        return _abstract_attribute(m, frame, value, name, node)
    known = known_attribute(m, frame, value, name, node)
    if known is None:
        m.fail(AttributeError, f"no attribute {name!r}", frame, node)
        return Opaque(name)
    return known


def _abstract_attribute(m: Machine, frame: Frame, value: Value, name: str, node: ast.AST) -> Value:
    if isinstance(value, Instance):
        return _instance_attribute(m, frame, value, name, node)
    if isinstance(value, Opaque):
        return Opaque(f"{value.origin}.{name}", value.tool)
    if isinstance(value, Choice):
        return _each(value, [attribute(m, frame, option, name, node) for option in value.options])
    if isinstance(value, TreeModule):
        return _module_attribute(m, frame, value, name, node)
    if isinstance(value, ClassValue):
        return _class_attribute(value, name)
    if isinstance(value, Made):
        if name in value.attributes:
            return value.attributes[name]
        return value.keywords.get(name, OutsideMethod(value, f"{value.path}.{name}", name))
    if isinstance(value, SuperOf):
        return _super_attribute(value, name)
    if isinstance(value, Function):
        return value.name if name == "__name__" else Opaque(f"{value.name}.{name}")
    if isinstance(value, Raised):
        return Opaque(f"the error's {name}")
    if isinstance(value, OutsideMethod):
        return OutsideMethod(value.receiver, f"{value.path}.{name}", name)
    return Opaque(name)


def _outside_attribute(m: Machine, frame: Frame, owner: str, name: str, node: ast.AST) -> Value:
    if name in NOT_IN_CPYTHON and owner == "sys":
        raise _no_attribute(m, frame, node, f"module 'sys' has no attribute {name!r}")
    path = canonical_path(f"{owner}.{name}")
    if name in removed_attributes():
        check_removed(m, frame, path, node)
    model = CONSTANTS.get(path)
    return model(m) if model else Outside(path, imported=False)


def _no_attribute(m: Machine, frame: Frame, node: ast.AST, message: str) -> Raised:
    raised = Raised(AttributeError, message, file=frame.module.file, line=getattr(node, "lineno", 0))
    raised.conditional = bool(m.conditions)
    return raised


def _each(choice: Choice, values: list[Value]) -> Value:
    flat: list[Value] = []
    for value in values:
        flat.extend(value.options if isinstance(value, Choice) else (value,))
    return Choice(tuple(flat[:6]), choice.origin)


def _module_attribute(m: Machine, frame: Frame, module: TreeModule, name: str, node: ast.AST) -> Value:
    if name in module.scope.names:
        return module.scope.names[name]
    if name == "__dict__":
        return module.scope.names
    found = submodule(m, frame, module, name, node)
    if found is not None:
        return found
    if not module.partial:
        m.fail(AttributeError, f"module {module.name!r} has no attribute {name!r}", frame, node)
    return Opaque(f"{module.name}.{name}")


def _class_attribute(cls: ClassValue, name: str) -> Value:
    found = cls.find(name)
    if found is not None:
        return BoundMethod(cls, found) if isinstance(found, Function) and found.kind == "class" else found
    if name in {"__name__", "__qualname__"}:
        return cls.name
    bases = cls.outside_bases()
    return Outside(f"{bases[0]}.{name}") if bases else Opaque(f"{cls.name}.{name}")


def _instance_attribute(m: Machine, frame: Frame, value: Instance, name: str, node: ast.AST) -> Value:
    if name in value.attributes:
        return value.attributes[name]
    if name == "__class__":
        return value.cls
    if name == "__dict__":
        return value.attributes
    found = value.cls.find(name)
    if isinstance(found, Function):
        if found.kind == "property":
            return call_function(m, frame, found, [value], {}, node)
        if found.kind == "static":
            return found
        return BoundMethod(value.cls if found.kind == "class" else value, found)
    if found is not None or any(isinstance(e, ClassValue) and name in e.names for e in value.cls.lineage()):
        return found
    bases = value.cls.outside_bases()
    if bases:
        if name == "distribution" and m.distribution is not None:
            return m.distribution
        if name in _COMMAND_OPTIONS and ".command." in bases[0]:
            return _COMMAND_OPTIONS[name]
        return OutsideMethod(value, f"{bases[0]}.{name}", name)
    if value.cls.find("__getattr__") is None:
        m.fail(AttributeError, f"{value.cls.name!r} object has no attribute {name!r}", frame, node)
    return Opaque(f"{value.cls.name}.{name}")


def _super_attribute(value: SuperOf, name: str) -> Value:
    cls = value.receiver.cls if isinstance(value.receiver, Instance) else value.receiver
    lineage = cls.lineage() if isinstance(cls, ClassValue) else [value.cls, *value.cls.bases]
    behind = next((i for i, entry in enumerate(lineage) if entry is value.cls), -1) + 1
    for entry in lineage[behind:]:
        if isinstance(entry, ClassValue) and name in entry.names:
            found = entry.names[name]
            return BoundMethod(value.receiver, found) if isinstance(found, Function) else found
        if isinstance(entry, Outside):
            return OutsideMethod(value.receiver, f"{entry.path}.{name}", name)
    return Opaque(f"super().{name}")


# -- items ------------------------------------------------------------------------------------------------------------


def iterate(m: Machine, value: Value) -> list[Value]:
    """The items of a value; one unknown item where they are not known."""
    if isinstance(value, _LISTED):
        return list(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, str | bytes | range):
        return list(value[: m.limits.rounds])
    if isinstance(value, Choice):
        return [item for option in value.options if option is not None for item in iterate(m, option)]
    if isinstance(value, Made) and value.path == "io.Reader" and not value.attributes.get("binary"):
        return list(value.args[0].splitlines(keepends=True))
    if (listed := members(value)) is not None:
        return list(listed)
    if isinstance(value, Opaque):
        return [Opaque(f"an item of {value.origin}" if value.origin else "", value.tool)]
    return [Opaque("an item")]


def has_known_items(value: Value) -> bool:
    """Whether it is known how many items a value has."""
    if isinstance(value, Made):
        return value.path == "io.Reader"
    return members(value) is not None or isinstance(
        value, list | tuple | dict | set | frozenset | str | bytes | range | Choice
    )


def item_of(m: Machine, frame: Frame, container: Value, index: Value, node: ast.AST) -> Value:
    """`container[index]`."""
    if isinstance(container, Choice):
        return _each(container, [item_of(m, frame, option, index, node) for option in container.options])
    if isinstance(container, Outside):
        if container.path == "os.environ":
            return read_item(m, frame, index, node)
        return Opaque(f"{container.path}[…]")
    if isinstance(container, _INDEXED):
        if isinstance(index, Opaque | Choice | Instance | Made):
            return Opaque("an item", mentions(index))
        try:
            return container[index]
        except (KeyError, IndexError, TypeError) as error:
            m.fail(type(error), str(error), frame, node)
            return Opaque("an item")
    if members(container) is not None and isinstance(index, str):
        return attribute(m, frame, container, index, node)
    if isinstance(container, Instance) and isinstance(method := container.cls.find("__getitem__"), Function):
        return call_function(m, frame, method, [container, index], {}, node)
    return Opaque("an item", mentions(container))


# -- assignment -------------------------------------------------------------------------------------------------------


def frame_store(frame: Frame, name: str, value: Value) -> None:
    """Bind a name where Python would."""
    scope = frame.scope
    if name in scope.globals_declared:
        frame.module.scope.names[name] = value
        return
    if name in scope.nonlocals_declared:
        outer: Scope | None = scope.parent
        while outer is not None:
            if name in outer.names:
                outer.names[name] = value
                return
            outer = outer.parent
    scope.names[name] = value


def assign(m: Machine, frame: Frame, target: ast.expr, value: Value) -> None:
    """Bind a value to a name, an attribute, an item, or several of them."""
    if isinstance(target, ast.Name):
        frame_store(frame, target.id, value)
    elif isinstance(target, _TARGETS):
        _unpack(m, frame, target.elts, value)
    elif isinstance(target, ast.Attribute):
        _assign_attribute(m, frame, target, value)
    elif isinstance(target, ast.Subscript):
        container, index = m.evaluate(m, frame, target.value), m.evaluate(m, frame, target.slice)
        if isinstance(container, Outside) and container.path == "os.environ":
            write_item(m, index, value)
        elif isinstance(container, dict | list) and m.allocate(len(container)):
            try:
                container[index] = value
            except (TypeError, IndexError, ValueError, KeyError):
                return


def _assign_attribute(m: Machine, frame: Frame, target: ast.Attribute, value: Value) -> None:
    receiver = m.evaluate(m, frame, target.value)
    if type(receiver) in _WITHOUT_ATTRIBUTES:
        kind = type(receiver).__name__
        raise _no_attribute(m, frame, target, f"{kind!r} object has no attribute {target.attr!r}")
    if isinstance(receiver, Instance | Made):
        receiver.attributes[target.attr] = value
    elif isinstance(receiver, ClassValue):
        receiver.names[target.attr] = value
    elif isinstance(receiver, TreeModule):
        receiver.scope.names[target.attr] = value
    elif isinstance(receiver, Outside) and receiver.path in {"builtins", "__builtin__"}:
        m.builtins[target.attr] = value
    elif isinstance(receiver, Outside) and receiver.path == "sys" and isinstance(value, list):
        if target.attr == "argv":
            m.argv = value
        elif target.attr == "path":
            m.sys_path = value


def _unpack(m: Machine, frame: Frame, targets: list[ast.expr], value: Value) -> None:
    if isinstance(value, list | tuple | str | dict | set | range):
        values = iterate(m, value)
    elif isinstance(value, Choice):
        options = [list(o) for o in value.options if isinstance(o, list | tuple) and len(o) == len(targets)]
        values = [Choice(tuple(column), value.origin) for column in zip(*options, strict=True)] if options else []
    else:
        values = []
    starred = next((i for i, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
    if starred is not None and len(values) >= len(targets) - 1:
        after = len(targets) - starred - 1
        middle = values[starred : len(values) - after]
        values = [*values[:starred], middle, *values[len(values) - after :]]
    origin = getattr(value, "origin", "")
    for i, target in enumerate(targets):
        inner = target.value if isinstance(target, ast.Starred) else target
        known = len(values) == len(targets)
        assign(m, frame, inner, values[i] if known else Opaque(f"a part of {origin}", mentions(value)))


def delete(m: Machine, frame: Frame, target: ast.expr) -> None:
    """`del name`, `del container[index]`."""
    if isinstance(target, ast.Name):
        frame.scope.names.pop(target.id, None)
    elif isinstance(target, _TARGETS):
        for inner in target.elts:
            delete(m, frame, inner)
    elif isinstance(target, ast.Subscript):
        container, index = m.evaluate(m, frame, target.value), m.evaluate(m, frame, target.slice)
        if isinstance(container, dict | list):
            try:
                del container[index]
            except (KeyError, IndexError, TypeError):
                return


# -- functions and classes --------------------------------------------------------------------------------------------


def make_function(m: Machine, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Value:
    """A function of the tree, with its defaults; decorators of the tree applied."""
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    in_class = frame.cls is not None and frame.scope is frame.cls
    made = Function(name, node, (frame.scope.parent or frame.scope) if in_class else frame.scope, frame.module)
    if frame.scope is not frame.module.scope:
        m.scopes.append(frame.scope)
    spec = node.args
    if spec.defaults:
        made.defaults = [m.evaluate(m, frame, default) for default in spec.defaults]
    if spec.kwonlyargs:
        pairs = zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
        made.keyword_defaults = {a.arg: m.evaluate(m, frame, d) for a, d in pairs if d is not None}
    if isinstance(node, ast.Lambda):
        return made
    value: Value = made
    for decorator_node in reversed(node.decorator_list):
        decorator = m.evaluate(m, frame, decorator_node)
        path = decorator.path if isinstance(decorator, Outside) else ""
        if path in _UNCHANGED_BY:
            made.kind = _UNCHANGED_BY[path]
        elif path in _LAZY_PROPERTIES:
            made.kind = "property"
        elif isinstance(decorator, Function):
            value = call_function(m, frame, decorator, [value], {}, decorator_node)
    return value if isinstance(value, Function | Instance | ClassValue) else made


def _is_generator(m: Machine, function: Function) -> bool:
    index, node, file = m.files.index, function.node, function.module.file
    if isinstance(node, ast.Lambda):
        return False
    known = index.generators.get(node)
    if known is None:
        body = index.body(file, node)
        known = index.generators[node] = index.may_yield(file, body) and _yields(body)
    return known


def _yields(body: list[ast.stmt]) -> bool:
    pending: list[ast.AST] = list(body)
    while pending:
        current = pending.pop()
        if isinstance(current, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(current))
    return False


def make_class(m: Machine, frame: Frame, node: ast.ClassDef) -> Value:
    """A class of the tree."""
    bases: list[Value] = []
    for base_node in node.bases:
        base = m.evaluate(m, frame, base_node)
        options = base.options if isinstance(base, Choice) else (base,)
        bases.extend(o for o in options if isinstance(o, ClassValue | Outside | type))
        bases.extend(Outside(o.path) for o in options if isinstance(o, Made))
        bases.extend(Outside(UNKNOWN_BASE) for o in options if isinstance(o, Opaque))
    scope = Scope(frame.scope)
    inner = Frame(frame.module, scope, len(m.conditions))
    inner.cls = scope
    try:
        m.execute(m, inner, node.body)
    finally:
        del m.conditions[inner.conditions_before :]
    cls = ClassValue(node.name, bases, scope.names, frame.module, node)
    for value in scope.names.values():
        if isinstance(value, Function) and value.owner is None:
            value.owner = cls
    make_members(cls)
    return cls


# -- calls ------------------------------------------------------------------------------------------------------------


def call_value(
    m: Machine, frame: Frame, function: Value, args: list[Value], keywords: dict[str, Value], node: ast.AST
) -> Value:
    """`function(*args, **keywords)`."""
    kind = type(function)
    if kind is Outside:
        return call_outside(Call(m, frame, function.path, args, keywords, node))
    if kind is Modelled:
        return function.call(args, keywords)
    if kind is Function:
        return call_function(m, frame, function, args, keywords, node)
    if kind is BoundMethod:
        return call_function(m, frame, function.function, [function.receiver, *args], keywords, node)
    if isinstance(function, ClassValue):
        return instantiate(m, frame, function, args, keywords, node)
    if isinstance(function, OutsideMethod):
        return _call_method(Call(m, frame, function.path, args, keywords, node, function.receiver), function.name)
    if isinstance(function, Choice):
        results = []
        for option in function.options:
            with m.condition(function.origin or "a choice"):
                results.append(call_value(m, frame, option, args, keywords, node))
        return _each(function, results)
    if isinstance(function, type) and issubclass(function, BaseException):
        return Raised(function, " ".join(a for a in args if isinstance(a, str)), value=args[0] if args else None)
    if isinstance(function, Instance) and isinstance(method := function.cls.find("__call__"), Function):
        return call_function(m, frame, method, [function, *args], keywords, node)
    _may_fail(m)
    return Opaque(f"{getattr(function, 'origin', '')}()", mentions(function))


def call_outside(call: Call) -> Value:
    """Call something outside the tree: as its model says, else the result is unknown."""
    if call.keywords and "dry_run" in call.keywords and call.path.startswith("distutils."):
        guarded = call.m.catches(TypeError) is not None
        strength = Strength.GUARDED if guarded else call.m.strength()
        call.m.see_removed("dry_run of distutils' functions", strength, call.evidence)
    model = FUNCTIONS.get(canonical_path(call.path))
    if model is not None and not call.path.endswith(".__init__"):
        return model(call)
    owner, _, name = call.path.rpartition(".")
    if name == "__init__" and call.args and isinstance(call.args[0], Instance):
        # `Extension.__init__(self, …)`: a class outside, initialised through its name.
        receiver, *rest = call.args
        return _call_method(Call(call.m, call.frame, call.path, rest, call.keywords, call.node, receiver), name)
    if name in METHODS and call.args and isinstance(call.args[0], Instance):
        # `build_ext.run(self)`: a method of a class outside, called through the class.
        receiver, *rest = call.args
        return METHODS[name](Call(call.m, call.frame, call.path, rest, call.keywords, call.node, receiver))
    if owner and name[:1].isupper() and not owner.startswith("builtins"):
        return Made(call.path, call.args, call.keywords, call.evidence)
    _may_fail(call.m)
    return Opaque(f"{call.path}()")


def _call_method(call: Call, name: str) -> Value:
    model = FUNCTIONS.get(canonical_path(call.path)) or METHODS.get(name)
    if model is not None:
        return model(call)
    if name == "__init__":
        return None
    _may_fail(call.m)
    return Opaque(f"{name}()")


def _may_fail(m: Machine) -> None:
    if m.guards:
        m.guards[-1].maybe = True


def instantiate(
    m: Machine, frame: Frame, cls: ClassValue, args: list[Value], keywords: dict[str, Value], node: ast.AST
) -> Value:
    """An object of a class of the tree, after its `__init__`."""
    if members(cls) is not None:
        member = member_of_value(cls, args[0]) if args else None
        if member is None:
            m.fail(ValueError, f"no member of {cls.name}", frame, node)
        return Opaque(f"a member of {cls.name}") if member is None else member
    made = Instance(cls)
    if any(isinstance(base, type) for base in cls.bases):
        return made
    initialise = cls.find("__init__")
    if isinstance(initialise, Function):
        call_function(m, frame, initialise, [made, *args], keywords, node)
    else:
        outside = cls.outside_bases()
        made.attributes.update(keywords if outside else {})
        if outside and (model := FUNCTIONS.get(canonical_path(outside[0]))) is not None:
            # A subclass of a modelled class (an Extension of its own) is that, too.
            model(Call(m, frame, outside[0], args, keywords, node, made))
    return made


def call_function(
    m: Machine, frame: Frame, function: Function, args: list[Value], keywords: dict[str, Value], node: ast.AST
) -> Value:
    """Run a function of the tree. Depth is capped; a generator runs to its end at once."""
    m.step()
    too_deep = m.depth >= m.limits.depth or m.running.count(function.node) >= _SAME_FUNCTION_DEPTH
    if too_deep or len(m.conditions) > _UNDECIDED_DEPTH:
        m.see_unknown("calls nest too deep to be followed", m.evidence(frame, node))
        return Opaque(f"{function.name}()")
    fruitless = m.files.index.fruitless
    if fruitless.get(function.node, 0) >= _FRUITLESS_CALLS and m.steps > m.steps_at_leisure:
        m.see_unknown("functions that had brought nothing are not followed any more", m.evidence(frame, node))
        return Opaque(f"{function.name}()")
    news = m.news
    scope = Scope(function.scope)
    _bind(m, scope, function, args, keywords)
    inner = Frame(function.module, scope, len(m.conditions))
    inner.cls, inner.receiver = function.owner, args[0] if args else None
    inner.yielded = [] if _is_generator(m, function) else None
    m.depth += 1
    m.running.append(function.node)
    try:
        if isinstance(function.node, ast.Lambda):
            return m.evaluate(m, inner, function.node.body)
        completion = m.execute(m, inner, m.files.index.body(function.module.file, function.node))
    except Raised:
        if not inner.maybe_returned:
            raise
        # It fails only where the function was not left before: a build that passes has left it.
        if inner.left_by:
            m.conditions[:] = m.conditions[: inner.conditions_before]
            m.see_tool(inner.left_by, m.evidence(frame, node))
        return merge(inner.maybe_returned, f"{function.name}()")
    finally:
        m.depth -= 1
        m.running.pop()
        del m.conditions[inner.conditions_before :]
        fruitless[function.node] = fruitless.get(function.node, 0) + 1 if m.news == news else 0
    if inner.yielded is not None:
        return inner.yielded
    returned = [*inner.maybe_returned, completion.value if isinstance(completion, Return) else None]
    return returned[0] if len(returned) == 1 else merge(returned, f"{function.name}()")


def _bind(m: Machine, scope: Scope, function: Function, args: list[Value], keywords: dict[str, Value]) -> None:
    spec = function.node.args
    positional = [*spec.posonlyargs, *spec.args]
    names = scope.names
    rest = dict(keywords)
    offset = len(positional) - len(function.defaults)
    for i, argument in enumerate(positional):
        if i < len(args):
            names[argument.arg] = args[i]
        elif argument.arg in rest:
            names[argument.arg] = rest.pop(argument.arg)
        else:
            names[argument.arg] = function.defaults[i - offset] if i >= offset else Opaque(argument.arg)
    for argument in spec.kwonlyargs:
        fallback = function.keyword_defaults.get(argument.arg)
        if argument.arg not in function.keyword_defaults:
            fallback = Opaque(argument.arg)
        names[argument.arg] = rest.pop(argument.arg, fallback)
    if spec.vararg:
        names[spec.vararg.arg] = tuple(args[len(positional) :])
    if spec.kwarg:
        names[spec.kwarg.arg] = rest
    m.step()
