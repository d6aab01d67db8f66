"""Statements: what they do to names, and which of them run.

A branch whose condition cannot be decided is taken both ways: what it reaches is conditional, and its names are joined
afterwards. A branch that ends in an error is not joined: a build that passes has gone the other way.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ...evidence import Evidence
from ..model import Phase, Strength
from .control import Break, Continue, Normal, Raised, Return
from .expressions import evaluate, note_item, source_of
from .importing import import_from, import_module
from .machine import Frame, Guard, Machine, Patience
from .objects import (
    assign,
    attribute,
    call_value,
    delete,
    frame_store,
    has_known_items,
    iterate,
    make_class,
    make_function,
)
from .operators import binary
from .values import ClassValue, Opaque, Value, mentions, merge, truth
from .version_tests import VersionTest, negated

__all__ = ["execute", "run_branches"]

Completion = Any
"""Normal, Break, Continue (the classes themselves) or a Return."""

Branch = tuple[str, Callable[[], Completion] | None]
"""The condition of a branch in words, and what runs in it: None for nothing."""


_ABSENT = object()


def execute(m: Machine, frame: Frame, body: Sequence[ast.stmt]) -> Completion:
    """Run statements in order until one leaves the block. Raised where the script raises."""
    file = frame.module.file
    for statement in body:
        m.steps += 1
        if m.steps > m.step_limit:
            m.give_up()
        m.here = (file, statement.lineno)
        completion = _STATEMENTS.get(type(statement), _nothing)(m, frame, statement)
        if completion is not Normal:
            return completion
    return Normal


def _nothing(_m: Machine, _frame: Frame, _node: Any) -> Completion:
    return Normal


def _expression(m: Machine, frame: Frame, node: ast.Expr) -> Completion:
    if not isinstance(node.value, ast.Constant):
        evaluate(m, frame, node.value)
    return Normal


def _assign(m: Machine, frame: Frame, node: ast.Assign) -> Completion:
    value = evaluate(m, frame, node.value)
    for target in node.targets:
        assign(m, frame, target, value)
    return Normal


def _annotated(m: Machine, frame: Frame, node: ast.AnnAssign) -> Completion:
    if node.value is not None:
        assign(m, frame, node.target, evaluate(m, frame, node.value))
    return Normal


def _augmented(m: Machine, frame: Frame, node: ast.AugAssign) -> Completion:
    current = evaluate(m, frame, _as_load(node.target))
    change = evaluate(m, frame, node.value)
    if isinstance(current, list) and isinstance(node.op, ast.Add):
        current.extend(iterate(m, change))
        assign(m, frame, node.target, current)
        return Normal
    assign(m, frame, node.target, binary(m, frame, node.op, current, change, node))
    return Normal


def _as_load(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    return target


def _return(m: Machine, frame: Frame, node: ast.Return) -> Completion:
    return Return(evaluate(m, frame, node.value) if node.value else None)


def _raise(m: Machine, frame: Frame, node: ast.Raise) -> Completion:
    line, file = node.lineno, frame.module.file
    handled = frame.scope.names.get("·handled")
    if node.exc is None:
        if isinstance(handled, Raised):
            raise handled
        raise Raised(None, "", file=file, line=line)
    value = evaluate(m, frame, node.exc)
    if isinstance(value, Raised):
        if not value.file:
            value.file, value.line = file, line
        if isinstance(handled, Raised):
            value.blame = value.blame or handled.blame
        value.conditional = bool(m.conditions)
        raise value
    kind, message = _exception_class(value)
    # An error raised while a failed import is handled goes back to that import.
    blame = handled.blame if isinstance(handled, Raised) else ""
    raised = Raised(kind, message, blame=blame, file=file, line=line, value=value)
    raised.conditional = bool(m.conditions)
    raise raised


def _exception_class(value: Value) -> tuple[Any, str]:
    if isinstance(value, type) and issubclass(value, BaseException):
        return value, ""
    if isinstance(value, BaseException):
        return type(value), str(value)
    if isinstance(value, ClassValue):
        return value, ""
    cls = getattr(value, "cls", None)
    return (cls, "") if isinstance(cls, ClassValue) else (None, "")


# -- branches ---------------------------------------------------------------------------------------------------------


def _if(m: Machine, frame: Frame, node: ast.If) -> Completion:
    test = evaluate(m, frame, node.test)
    decided = truth(test)
    if decided is not None:
        return execute(m, frame, node.body if decided else node.orelse)
    text, evidence = source_of(node.test), m.evidence(frame, node)
    about = getattr(test, "about", None)
    body: Callable[[], Completion] | None = partial(execute, m, frame, node.body)
    orelse: Callable[[], Completion] | None = partial(execute, m, frame, node.orelse) if node.orelse else None
    if isinstance(about, VersionTest):
        body, orelse = _refusing(m, body, negated(about), evidence), _refusing(m, orelse, about, evidence)
    return run_branches(m, frame, [(text, body), (f"not ({text})", orelse)], tool=mentions(test), evidence=evidence)


def _refusing(
    m: Machine, branch: Callable[[], Completion] | None, accepted: VersionTest | None, evidence: Evidence
) -> Callable[[], Completion] | None:
    """A branch that is taken unless a module's version is accepted: where it fails, the script insists on that."""
    if branch is None:
        return None
    certain = not m.conditions

    def run() -> Completion:
        try:
            return branch()
        except Raised as error:
            if certain and accepted is not None and not error.blame and not _is_success(error):
                m.see_version(accepted.module, accepted.specifier, evidence)
            raise

    return run


def _is_success(error: Raised) -> bool:
    return error.kind is SystemExit and error.value in {None, 0}


def run_branches(
    m: Machine, frame: Frame, branches: list[Branch], *, tool: str = "", evidence: Evidence | None = None
) -> Completion:
    """Run every branch from the same names, then join. `tool` is one that the undecided condition depends on."""
    before = dict(frame.scope.names)
    outer = frame.module.scope.names if frame.module.scope is not frame.scope else None
    outer_before = dict(outer) if outer is not None else None
    ends: list[tuple[str, Completion, dict[str, Value], dict[str, Value] | None]] = []
    failures: list[Raised] = []
    spans: list[tuple[int, int]] = []
    left_over: list[str] = []
    depth = len(m.conditions)
    for number, (text, run) in enumerate(branches):
        start = len(m.seen.imports)
        if run is None:
            ends.append((text, Normal, before, outer_before))
            spans.append((start, start))
            continue
        if number:
            frame.scope.names.clear()
            frame.scope.names.update(before)
            if outer is not None and outer_before is not None:
                outer.clear()
                outer.update(outer_before)
        m.conditions.append(text)
        try:
            completion = run()
            left_over += m.conditions[depth + 1 :]
        except Raised as error:
            del m.conditions[depth:]
            failures.append(error.detached())
            with m.condition(text):
                _note_failure(m, error)
                if not tool and m.phase is Phase.METADATA:
                    _note_end(m, error)
        else:
            names = dict(frame.scope.names)
            ends.append((text, completion, names, dict(outer) if outer is not None else None))
            spans.append((start, len(m.seen.imports)))
        finally:
            del m.conditions[depth:]
    if tool and failures and evidence:
        m.see_tool(tool, evidence)
    if not ends:
        first, failures = failures[0], []
        raise first
    _harden_common(m, spans)
    completion = _join(m, frame, ends, tool)
    # A return deeper inside a branch may have been taken as well.
    m.conditions.extend(dict.fromkeys(left_over))
    return completion


def _note_failure(m: Machine, error: Raised) -> None:
    if error.blame and m.catches(ModuleNotFoundError) is None:
        # This branch does not go on without the module that was missed in it.
        last = next((s for s in reversed(m.seen.imports) if s.root == error.blame), None)
        if last is not None:
            m.see_import(last.name, m.strength(), last.evidence)
    for guard in m.guards:
        guard.maybe = True


def _note_end(m: Machine, error: Raised) -> None:
    """Tell that the script may end here, where nothing else says so: neither a module that is missed nor a tool.

    For the metadata only: what the wheel's build may end for are the compilers, which are told anyway.
    """
    uncaught = not any(_matches(kind, error) for guard in m.guards for kind in guard.kinds)
    if uncaught and not error.told and not error.blame and error.file and not _is_success(error):
        error.told = True
        name = getattr(error.kind, "__name__", "") or getattr(error.kind, "name", "") or "an error"
        said = f" ({' '.join(error.message.split())[:120]})" if error.message else ""
        reason = f"the build script ends with {name}{said} if {m.conditions[-1]}"
        m.see_unknown(reason, m.evidence_at(error.file, error.line))


def _harden_common(m: Machine, spans: list[tuple[int, int]]) -> None:
    """An import that every branch reaches does not hang on the condition."""
    if len(spans) < 2 or m.conditions:
        return
    roots = [{s.root for s in m.seen.imports[a:b] if s.strength.value == "conditional"} for a, b in spans]
    common = set.intersection(*roots)
    if not common:
        return
    for seen in m.seen.imports[spans[0][0] : spans[-1][1]]:
        if seen.root in common and seen.strength.value == "conditional":
            seen.strength, seen.condition = m.strength(), ""


def _join(
    m: Machine,
    frame: Frame,
    ends: list[tuple[str, Completion, dict[str, Value], dict[str, Value] | None]],
    tool: str,
) -> Completion:
    going_on = [end for end in ends if end[1] is Normal]
    leaving = [end for end in ends if end[1] is not Normal]
    kept = going_on or leaving
    _restore(frame.scope.names, [(end[0], end[2]) for end in kept])
    if frame.module.scope is not frame.scope:
        _restore(frame.module.scope.names, [(end[0], end[3] or {}) for end in kept])
    if not going_on:
        returned = [end[1] for end in leaving if isinstance(end[1], Return)]
        if len(returned) == len(leaving):
            return Return(merge([r.value for r in returned], leaving[0][0]))
        frame.maybe_returned.extend(r.value for r in returned)
        return next(end[1] for end in leaving if not isinstance(end[1], Return))
    for text, completion, _names, _outer in leaving:
        if isinstance(completion, Return):
            frame.maybe_returned.append(completion.value)
            frame.left_by = tool
        frame.maybe_broken = frame.maybe_broken or completion is Break
        # What follows runs only where this branch was not taken; the caller of the block takes the condition back.
        m.conditions.append(f"not ({text})" if not text.startswith("not (") else text[5:-1])
    return Normal


def _restore(names: dict[str, Value], ends: list[tuple[str, dict[str, Value]]]) -> None:
    first = ends[0][1]
    names.clear()
    names.update(first)
    known = first.get
    for _text, end in ends[1:]:
        for name in [name for name, value in end.items() if known(name, _ABSENT) is not value]:
            names[name] = merge([e[name] for _t, e in ends if name in e], ends[0][0]) if name in first else end[name]


# -- loops ------------------------------------------------------------------------------------------------------------


def _for(m: Machine, frame: Frame, node: ast.For) -> Completion:
    items = evaluate(m, frame, node.iter)
    if not has_known_items(items):
        return _maybe_loop(m, frame, node, f"{source_of(node.iter)} has items", Opaque(source_of(node.target)))
    conditions = len(m.conditions)
    patience = Patience(m)
    outer, frame.maybe_broken = frame.maybe_broken, False
    try:
        for item in iterate(m, items):
            if patience.ends():
                _forget(m, frame, node, patience)
                break
            m.step()
            assign(m, frame, node.target, item)
            note_item(m, node.iter, item, items)
            completion = execute(m, frame, node.body)
            if completion is Break:
                del m.conditions[conditions:]
                return Normal
            if isinstance(completion, Return):
                return completion
            del m.conditions[conditions:]
        return _else(m, frame, node)
    finally:
        frame.maybe_broken = outer


def _else(m: Machine, frame: Frame, node: ast.For | ast.While) -> Completion:
    """The `else` of a loop that no round certainly left; one that a round may have left may not run."""
    if not node.orelse or not frame.maybe_broken:
        return execute(m, frame, node.orelse)
    text = f"the loop at line {node.lineno} is not left"
    return run_branches(m, frame, [(text, lambda: execute(m, frame, node.orelse)), (f"not ({text})", None)])


def _maybe_loop(m: Machine, frame: Frame, node: ast.For | ast.While, text: str, item: Value) -> Completion:
    outer, frame.maybe_broken = frame.maybe_broken, False

    def once() -> Completion:
        if isinstance(node, ast.For):
            assign(m, frame, node.target, item)
        completion = execute(m, frame, node.body)
        frame.maybe_broken = frame.maybe_broken or completion is Break
        return completion if isinstance(completion, Return) else Normal

    try:
        completion = run_branches(m, frame, [(text, once), (f"not ({text})", None)])
        return completion if completion is not Normal else _else(m, frame, node)
    finally:
        frame.maybe_broken = outer


def _while(m: Machine, frame: Frame, node: ast.While) -> Completion:
    conditions = len(m.conditions)
    patience = Patience(m)
    outer, frame.maybe_broken = frame.maybe_broken, False
    try:
        while not patience.ends():
            m.step()
            decided = truth(evaluate(m, frame, node.test))
            if decided is None:
                return _maybe_loop(m, frame, node, source_of(node.test), None)
            if not decided:
                return _else(m, frame, node)
            completion = execute(m, frame, node.body)
            del m.conditions[conditions:]
            if completion is Break:
                return Normal
            if isinstance(completion, Return):
                return completion
        _forget(m, frame, node, patience)
        return Normal
    finally:
        frame.maybe_broken = outer


def _forget(m: Machine, frame: Frame, node: ast.For | ast.While, patience: Patience) -> None:
    """A loop is left before its end: the names that it assigns are unknown from here on."""
    patience.note(m.evidence(frame, node))
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            frame_store(frame, inner.id, Opaque(inner.id))


# -- exceptions -------------------------------------------------------------------------------------------------------


def _try(m: Machine, frame: Frame, node: ast.Try) -> Completion:
    guard = Guard(tuple(kind for handler in node.handlers for kind in _kinds(m, frame, handler.type)))
    if not node.finalbody:
        return _guarded(m, frame, node, guard)
    m.cleanups += 1
    try:
        return _guarded(m, frame, node, guard)
    finally:
        m.cleanups -= 1
        execute(m, frame, node.finalbody)


def _guarded(m: Machine, frame: Frame, node: ast.Try, guard: Guard) -> Completion:
    depth, conditions, tools = len(m.guards), len(m.conditions), len(m.seen.tools)
    m.guards.append(guard)
    try:
        completion = execute(m, frame, node.body)
    except Raised as error:
        del m.guards[depth:]
        del m.conditions[conditions:]
        return _handle(m, frame, node, error)
    finally:
        del m.guards[depth:]
    if guard.maybe and node.handlers:
        completion = _maybe_handle(m, frame, node, completion, tools)
    if completion is Normal:
        completion = execute(m, frame, node.orelse)
    return completion


def _handle(m: Machine, frame: Frame, node: ast.Try, error: Raised) -> Completion:
    for handler in node.handlers:
        if any(_matches(kind, error) for kind in _kinds(m, frame, handler.type)):
            return _run_handler(m, frame, handler, error)
    raise error


def _run_handler(m: Machine, frame: Frame, handler: ast.ExceptHandler, error: Raised) -> Completion:
    names = frame.scope.names
    outer = names.get("·handled")
    names["·handled"] = error.detached()
    if handler.name:
        names[handler.name] = error
    try:
        return execute(m, frame, handler.body)
    except Raised as raised:
        # Leaving through an error of its own: still the first one's doing (`except ImportError: sys.exit(1)`), unless
        # it is another module's that was imported instead.
        if not raised.imported:
            raised.blame = raised.blame or error.blame
        raise
    finally:
        names.pop("·handled", None)
        if outer is not None:
            names["·handled"] = outer


def _maybe_handle(m: Machine, frame: Frame, node: ast.Try, completion: Completion, tools: int) -> Completion:
    """The body ran, but something in it may fail: what the handlers would do is conditional.

    Where every handler for an absent program ends in an error of its own, the body's tools (those from `tools` on) are
    needed after all.
    """
    text = f"line {node.lineno} succeeds"
    unknown = Raised(None, "")
    ends: list[bool] = []

    def handle(handler: ast.ExceptHandler) -> Completion:
        catches = any(kind is None or _covers(kind, FileNotFoundError) for kind in _kinds(m, frame, handler.type))
        try:
            done = _run_handler(m, frame, handler, unknown)
        except Raised:
            ends.extend([True] if catches else [])
            raise
        ends.extend([False] if catches else [])
        return done

    branches: list[Branch] = [(text, lambda: completion)]
    branches += [(f"not ({text})", partial(handle, handler)) for handler in node.handlers]
    tool = m.seen.tools[tools].name if len(m.seen.tools) > tools else ""
    done = run_branches(m, frame, branches, tool=tool)
    if ends and all(ends):
        for seen in m.seen.tools[tools:]:
            if seen.strength is Strength.GUARDED and seen.phase is m.phase and not m.catches(FileNotFoundError):
                seen.strength = m.strength()
    return done


def _kinds(m: Machine, frame: Frame, node: ast.expr | None) -> list[Any]:
    """The classes that a handler names; None in it for one that is not known."""
    if node is None:
        return [BaseException]
    value = evaluate(m, frame, node)
    values = value if isinstance(value, tuple | list) else [value]
    return [
        v if isinstance(v, ClassValue) or (isinstance(v, type) and issubclass(v, BaseException)) else None
        for v in values
    ]


def _matches(kind: Any, error: Raised) -> bool:
    if kind is BaseException or kind is None:
        return kind is BaseException or error.kind is None
    if error.kind is None:
        return kind is Exception or not isinstance(kind, type) or issubclass(kind, Exception)
    if isinstance(error.kind, ClassValue):
        return any(_covers(kind, base) for base in error.kind.lineage())
    return isinstance(kind, type) and issubclass(error.kind, kind)


def _covers(kind: Any, base: Any) -> bool:
    if kind is base:
        return True
    return isinstance(kind, type) and isinstance(base, type) and issubclass(base, kind)


def _with(m: Machine, frame: Frame, node: ast.With) -> Completion:
    suppressed: list[Any] = []
    for item in node.items:
        manager = evaluate(m, frame, item.context_expr)
        entered = manager
        if _is_suppress(manager):
            suppressed += [k if isinstance(k, type) else None for k in manager.args]
        elif getattr(manager, "cls", None) is not None:
            entered = call_value(
                m, frame, attribute(m, frame, manager, "__enter__", item.context_expr), [], {}, item.context_expr
            )
        if item.optional_vars is not None:
            assign(m, frame, item.optional_vars, entered)
    if not suppressed:
        return execute(m, frame, node.body)
    guard, depth = Guard(tuple(suppressed)), len(m.guards)
    m.guards.append(guard)
    try:
        return execute(m, frame, node.body)
    except Raised as error:
        if any(_matches(kind, error) for kind in suppressed):
            return Normal
        raise
    finally:
        del m.guards[depth:]


def _is_suppress(manager: Value) -> bool:
    return getattr(manager, "path", "") == "contextlib.suppress" and hasattr(manager, "args")


def _assert(m: Machine, frame: Frame, node: ast.Assert) -> Completion:
    test = evaluate(m, frame, node.test)
    decided = truth(test)
    if decided is False:
        raise Raised(AssertionError, source_of(node.test), file=frame.module.file, line=node.lineno)
    about = getattr(test, "about", None)
    if isinstance(about, VersionTest) and not m.conditions:
        m.see_version(about.module, about.specifier, m.evidence(frame, node))
    if decided is None and (tool := mentions(test)):
        m.see_tool(tool, m.evidence(frame, node))
    return Normal


# -- names ------------------------------------------------------------------------------------------------------------


def _import(m: Machine, frame: Frame, node: ast.Import) -> Completion:
    for alias in node.names:
        module = import_module(m, frame, alias.name, node)
        if alias.asname:
            frame_store(frame, alias.asname, module)
        else:
            root = alias.name.partition(".")[0]
            bound = module if root == alias.name else import_module(m, frame, root, node, quiet=True)
            frame_store(frame, root, bound)
    return Normal


def _import_from(m: Machine, frame: Frame, node: ast.ImportFrom) -> Completion:
    for name, value in import_from(m, frame, node):
        frame_store(frame, name, value)
    return Normal


def _function(m: Machine, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Completion:
    frame_store(frame, node.name, make_function(m, frame, node))
    return Normal


def _class(m: Machine, frame: Frame, node: ast.ClassDef) -> Completion:
    frame_store(frame, node.name, make_class(m, frame, node))
    return Normal


def _global(_m: Machine, frame: Frame, node: ast.Global) -> Completion:
    frame.scope.globals_declared |= set(node.names)
    return Normal


def _nonlocal(_m: Machine, frame: Frame, node: ast.Nonlocal) -> Completion:
    frame.scope.nonlocals_declared |= set(node.names)
    return Normal


def _delete(m: Machine, frame: Frame, node: ast.Delete) -> Completion:
    for target in node.targets:
        delete(m, frame, target)
    return Normal


def _match(m: Machine, frame: Frame, node: ast.Match) -> Completion:
    text = source_of(node.subject)
    evaluate(m, frame, node.subject)
    branches: list[Branch] = [
        (f"{text} matches line {case.pattern.lineno}", partial(execute, m, frame, case.body))
        for case in node.cases[:32]
    ]
    return run_branches(m, frame, branches) if branches else Normal


_STATEMENTS: dict[type[ast.stmt], Callable[[Machine, Frame, Any], Completion]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Assert: _assert,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Delete: _delete,
    ast.Match: _match,
    ast.Break: lambda _m, _f, _n: Break,
    ast.Continue: lambda _m, _f, _n: Continue,
}
