"""What each hook of a build runs: setup.py under setuptools' own backends, or the hooks of a backend inside the tree.

One run of the interpreter assumes that certain modules are there. Modules whose lack ends the script are added and
the run is repeated, as a user would install them one by one; what is survived stays missing.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from functools import partial

from ..evidence import Evidence
from ..lazy_dataclass import dataclass
from .declarative import BackendScript
from .interpreter import Machine, Surroundings, TreeIndex, start
from .interpreter.commands import extension_modules, run_wheel, rust_extensions
from .interpreter.control import BudgetSpent, HookEnds, Raised
from .interpreter.files import PYTHON_2, ROOT
from .interpreter.importing import import_module, run_module_file
from .interpreter.machine import Frame
from .interpreter.objects import attribute, call_value
from .interpreter.values import ClassValue, Function, Instance, Opaque, Outside, Scope, TreeModule, Value
from .model import Phase, Stop
from .observations import Observations

__all__ = ["UNFORESEEN", "Entry", "Run", "run_backend_script", "settle"]

UNFORESEEN = "reading the build script failed at a point that was not foreseen"
_ROUNDS = 24
_GUESSES = 6
_NO_SCRIPT = "from setuptools import setup; setup()"
"""What setuptools runs where there is no setup.py (setuptools.build_meta._open_setup_script)."""
_HERE = ast.Constant(None, lineno=1, col_offset=0)
"""The place of a frontend's own call: it stands in no file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a hook's run starts: `script` for setuptools, or a `backend` of the tree with its folders.

    `name` is the `__name__` that the script sees, `methods` are called on its classes. `on_setup` is called when
    setup() has been reached, `asks_for` tells whether its arguments ask for requirements. `answered` gives the
    surroundings of the next hook, once the answer is installed, where the script would have come there the same way.
    """

    script: str = "setup.py"
    name: str = "__main__"
    methods: tuple[str, ...] = ()
    backend: str = ""
    backend_path: tuple[str, ...] = ()
    on_setup: Callable[[Machine], None] | None = None
    asks_for: Callable[[dict[str, Value]], bool] = field(default=lambda _keywords: False)
    answered: Callable[[Machine], Surroundings | None] = field(default=lambda _m: None)


@dataclass(slots=True)
class Run:
    """One interpretation and how it ended."""

    seen: Observations
    machine: Machine
    assumed: frozenset[str]
    ended_at_setup: bool = False
    following: Run | None = None
    """Of a run that ended at setup(): how it goes on in the next hook, where it needs no run of its own for that."""
    given_up: bool = False
    """It reached a cap: another run of the same script would, too."""
    stop: Stop | None = None
    blamed: frozenset[str] = frozenset()
    hook_answer: Value = None
    extensions: Sequence[Value] = ()
    phase: Phase = Phase.METADATA


def settle(
    index: TreeIndex,
    around: Surroundings,
    entry: Entry,
    *,
    wheel: bool,
    phase: Phase = Phase.METADATA,
    first: Run | None = None,
    whole: tuple[frozenset[str], Run] | None = None,
) -> Run:
    """Run until nothing missing ends it any more; `assumed` of the result are the modules that had to be added.

    `first` is the first run in these surroundings, where it was made already, `whole` the one with certain modules
    added to them.
    """

    def run_in(surroundings: Surroundings) -> Run:
        if whole is not None and whole[0] <= surroundings.assumed:
            return replace(whole[1], assumed=surroundings.assumed)
        return run_once(index, surroundings, entry, wheel=wheel, phase=phase)

    run = first or run_in(around)
    cleared: frozenset[str] = frozenset()
    for _round in range(_ROUNDS):
        missing = run.blamed - around.assumed - cleared
        if not missing and run.stop is not None:
            missing = _to_blame(around, entry, run, run_in)
        if not missing:
            break
        trial = replace(around, assumed=around.assumed | missing)
        other = run_in(trial)
        if _same_end(run, other) and other.blamed <= trial.assumed:
            # It ends at the same line with them: they were not to blame.
            cleared |= missing
            continue
        around, run = trial, other
    return run


def _to_blame(around: Surroundings, entry: Entry, run: Run, run_in: Callable[[Surroundings], Run]) -> frozenset[str]:
    """The missed module without which the script stops, though not in its import's handler (`if not FOUND: exit`)."""
    guesses = [root for root in reversed(run.seen.missed) if root not in around.assumed][:_GUESSES]
    for root in guesses:
        other = run_in(replace(around, assumed=around.assumed | {root}))
        if _goes_further(other, run, entry):
            return frozenset({root})
    return frozenset()


def _same_end(run: Run, other: Run) -> bool:
    return run.stop is not None and other.stop is not None and other.stop.evidence == run.stop.evidence


def _goes_further(other: Run, run: Run, entry: Entry) -> bool:
    """Whether a run passes the line at which another stopped, and did not merely go around that file."""
    place = run.stop.evidence[0] if run.stop else None
    if place is None or (other.stop is not None and other.stop.evidence[0] == place):
        return False
    return place.file == entry.script or any(module.file == place.file for module in other.machine.modules.values())


def run_once(index: TreeIndex, around: Surroundings, entry: Entry, *, wheel: bool, phase: Phase) -> Run:
    """One interpretation. Never raises: how it ended is in the result."""
    m = start(index, around)
    m.phase = phase
    m.on_setup, m.asks_for = entry.on_setup, entry.asks_for
    run = Run(m.seen, m, around.assumed, phase=phase)
    ended: list[Run] = []

    def goes_on(m: Machine) -> bool:
        following = entry.answered(m)
        if following is None:
            return False
        ended.append(Run(m.seen.so_far(), m, around.assumed, ended_at_setup=True, following=run, phase=phase))
        m.around = following
        m.argv = list(following.argv)
        return True

    m.goes_on = goes_on
    try:
        if entry.backend:
            m.run_setup = partial(run_setup_script, m, entry.script)
            _run_backend(m, entry, run, wheel=wheel)
        else:
            run_setup_script(m, entry.script, entry.name)
            _call_methods(m, entry.methods)
            if wheel and not m.seen.tells_the_wheel_apart:
                # A script that looks at its arguments is run anew with those of build_wheel.
                run_wheel(m)
        run.extensions = (*extension_modules(m), *rust_extensions(m))
    except HookEnds:
        run.ended_at_setup = True
    except Raised as error:
        _note_end(run, error)
    except BudgetSpent as error:
        file, line = m.here
        m.see_unknown(f"reading the build script was given up: {error.what}", m.evidence_at(file, line))
        run.given_up = True
    except RecursionError:
        file, line = m.here
        m.see_unknown("reading the build script was given up: it nests too deep", m.evidence_at(file, line))
    except Exception as error:  # noqa: BLE001 - one script that was not foreseen must not end a whole report
        file, line = m.here
        m.see_unknown(f"{UNFORESEEN} ({type(error).__name__}: {error})"[:300], m.evidence_at(file, line))
    index.steps += m.steps
    return ended[0] if ended else run


def _note_end(run: Run, error: Raised) -> None:
    if error.kind is SystemExit and error.value in {None, 0}:
        # setuptools ignores an exit that says success.
        return
    run.blamed = frozenset({error.blame} if error.blame else ())
    if error.conditional or not error.file:
        return
    if error.kind is SyntaxError:  # what could not be parsed decides the build: the input is at fault
        seen = run.machine.seen
        seen.unknowns[:] = [replace(u, fault=u.fault or PYTHON_2 in u.reason) for u in seen.unknowns]
    kind = getattr(error.kind, "__name__", "") or getattr(error.kind, "name", "") or "an error"
    message = error.message or ""
    reason = f"the build script ends with {kind}" + (f": {message}" if message else "")
    if run.machine.files.index.skimmed:  # what was not read may have made it otherwise
        reason = f"{reason}, as far as the tree was read"
        run.machine.see_unknown(reason, run.machine.evidence_at(error.file, error.line))
        return
    run.stop = Stop(reason, run.machine.phase, (run.machine.evidence_at(error.file, error.line),))


def run_backend_script(index: TreeIndex, around: Surroundings, script: BackendScript) -> Run:
    """A script of the tree that a declarative backend loads, and the methods that it calls. Never raises."""
    entry = Entry(script=script.file, name=script.name, methods=script.methods)
    return settle(index, around, entry, wheel=False, phase=script.phase)


def _call_methods(m: Machine, methods: tuple[str, ...]) -> None:
    module = m.modules.get("__main__")
    if module is None or not methods:
        return
    frame = Frame(module, module.scope, 0)
    for cls in [value for value in module.scope.names.values() if isinstance(value, ClassValue)]:
        for name in methods:
            if cls.outside_bases() and isinstance(method := cls.find(name), Function):
                arguments: list[Value] = [Instance(cls), *(Opaque(a.arg) for a in method.node.args.args[1:])]
                call_value(m, frame, method, arguments, {}, _HERE)


def run_setup_script(m: Machine, script: str, name: str = "__main__") -> None:
    """Run setup.py as setuptools does: as `__main__`, with the tree's root as working folder."""
    if script in m.files.tree.names and script not in m.files.tree.files:
        m.see_unknown(f"{script} was not read", Evidence(script, 1))
        return
    absent = script not in m.files.tree.names
    module = TreeModule("__main__", "pyproject.toml" if absent else script, None)
    module.scope.names |= {"__name__": name, "__file__": f"{ROOT}/{script}", "__doc__": None}
    m.modules["__main__"] = module
    if absent:
        frame = Frame(module, module.scope, 0)
        m.execute(m, frame, ast.parse(_NO_SCRIPT).body)
    else:
        run_module_file(m, module)


# -- backends in the tree ---------------------------------------------------------------------------------------------


def _run_backend(m: Machine, entry: Entry, run: Run, *, wheel: bool) -> None:
    """Import a backend of the tree and run its hooks in order; the answer of get_requires goes to `run`."""
    folders = [posixpath.normpath(posixpath.join(ROOT, folder)) for folder in entry.backend_path]
    m.sys_path[:0] = folders
    name, _, inner = entry.backend.partition(":")
    frame = Frame(TreeModule("<frontend>", "pyproject.toml", None), Scope(), 0)
    backend = import_module(m, frame, name, _HERE)
    for part in inner.split(".") if inner else []:
        backend = attribute(m, frame, backend, part, _HERE)
    run.hook_answer = _hook(m, frame, backend, "get_requires_for_build_wheel", [None])
    _hook(m, frame, backend, "prepare_metadata_for_build_wheel", ["/metadata", None])
    if wheel:
        m.phase = Phase.WHEEL
        _hook(m, frame, backend, "build_wheel", ["/wheels", None, "/metadata"])


def _hook(m: Machine, frame: Frame, backend: Value, name: str, args: list[Value]) -> Value:
    if isinstance(backend, TreeModule) and name not in backend.scope.names:
        return None
    hook = attribute(m, frame, backend, name, _HERE)
    if isinstance(hook, Outside) and not hook.path.startswith("setuptools.build_meta"):
        return None
    return call_value(m, frame, hook, args, {}, _HERE)
