"""The state of one interpretation: the tree, the assumed surroundings, what runs at the moment, and what was seen."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ...evidence import Evidence, Unknown
from ...lazy_dataclass import dataclass
from ...names import candidates
from ..model import BuildTarget, Phase, Strength
from ..observations import DownloadSeen, ImportSeen, KnobSeen, Observations, RemovedSeen, ToolSeen, VersionSeen
from ..tables import RemovedApiEntry, brought_with, standard_library
from .control import BudgetSpent, Raised
from .files import ROOT, TreeFiles, TreeIndex, parse_script
from .values import ClassValue, Instance, Scope, TreeModule, Value

__all__ = ["Frame", "Limits", "Machine", "Patience", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps of one interpretation. Reaching one ends it with an Unknown (design 11)."""

    steps: int = 10_000
    steps_at_leisure: int = 8_000
    """Steps of all interpretations after which functions that brought nothing new are not followed any more."""
    depth: int = 45
    modules: int = 400
    rounds: int = 10_000
    """Rounds of one loop."""
    fruitless: int = 1_000
    """Steps of one loop since it last saw something new, after `rounds_at_least`: by then it only moves data."""
    rounds_at_least: int = 32
    fruitless_at_all: int = 2_000
    """The same for a loop of few but long rounds."""
    text: int = 1_000_000
    """Characters of one string, or items of one container."""
    allocated: int = 64_000_000
    """Characters and items of all large values together."""
    steps_of_all: int = 45_000
    """Steps of all interpretations of one tree together."""


_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an interpretation assumes.

    `provides` tells whether a module from outside is there, by its first name, `lacks` whether something is gone
    from the versions in use. `assumed` are modules that are taken to be there because nothing works without them; with
    `everything` all are. `argv` is the hook's, `root_on_path` whether the tree's root is importable. `absent_tools` are
    tools that the machine surely lacks; whether it has others is not known.
    """

    target: BuildTarget
    argv: tuple[str, ...]
    provides: Callable[[str], bool]
    lacks: Callable[[RemovedApiEntry], bool]
    assumed: frozenset[str] = frozenset()
    everything: bool = False
    root_on_path: bool = True
    stop_at_setup_requires: bool = False
    absent_tools: frozenset[str] = frozenset()


class Frame:
    """One running block of code: a module, a function or a class body."""

    __slots__ = (
        "cls", "conditions_before", "left_by", "maybe_broken", "maybe_returned", "module", "receiver", "scope",
        "yielded",
    )  # fmt: skip

    def __init__(self, module: TreeModule, scope: Scope, conditions: int) -> None:
        self.module = module
        self.scope = scope
        self.cls: Any = None
        self.receiver: Value = None
        self.maybe_returned: list[Value] = []
        self.left_by = ""
        """The tool that the condition of an early return depends on."""
        self.maybe_broken = False
        """Whether a `break` of the loop that runs stands in a branch that could not be decided."""
        self.conditions_before = conditions
        self.yielded: list[Value] | None = None


@dataclass(slots=True)
class Guard:
    """An active `try`: the exception classes that its handlers catch (None for one that is unknown)."""

    kinds: tuple[Any, ...]
    maybe: bool = False
    """Whether something in its body may have raised, in a branch that could not be decided."""


class Condition:
    """A condition that holds inside a `with`."""

    __slots__ = ("_before", "_conditions", "_text")

    def __init__(self, conditions: list[str], text: str) -> None:
        self._conditions = conditions
        self._text = text
        self._before = len(conditions)

    def __enter__(self) -> None:
        self._conditions.append(self._text)

    def __exit__(self, *_error: object) -> None:
        del self._conditions[self._before :]


def _ends(_m: Machine) -> bool:
    """A hook ends with its answer."""
    return False


class Machine:
    """The interpreter's state. The modules beside this one are its functions."""

    def __init__(self, index: TreeIndex, surroundings: Surroundings, limits: Limits | None = None) -> None:
        self.files = TreeFiles(index)
        self.around = surroundings
        self.limits = limits or _LIMITS
        self.step_limit = max(0, min(self.limits.steps, self.limits.steps_of_all - index.steps))
        self.steps_at_leisure = max(self.limits.steps_at_leisure - index.steps, self.limits.steps_at_leisure // 4)
        self.seen = Observations()
        self._noted: set[tuple[str, str, str, int]] = set()
        self._told: set[tuple[str, Evidence | None]] = set()
        self.phase = Phase.METADATA
        self.after_setup = False
        self.conditions: list[str] = []
        self.guards: list[Guard] = []
        self.modules: dict[str, TreeModule] = {}
        self.argv: list[Value] = list(surroundings.argv)
        self.sys_path: list[Value] = [ROOT] if surroundings.root_on_path else []
        self.environ: dict[str, Value] = {}
        self.builtins: dict[str, Value] = {}
        """Names that the script itself put among the built-in ones (`builtins.__SETUP__ = True`)."""
        self.builtins["__builtins__"] = self.builtins
        self.present: set[str] = set()
        """Projects that are there because this run goes on only with them, and what comes along."""
        self.fetched: set[str] = set()
        """Projects that the script itself fetches before it imports them."""
        for root in sorted(surroundings.assumed):
            self.take_as_present(root)
        self.steps = 0
        self.here = ("", 1)
        """The file and line of the statement that runs."""
        self.depth = self.cleanups = 0
        """How many calls run, and how many blocks that run however what is running ends (`finally`)."""
        self.allocated = 0
        self.commands: dict[str, Value] = {}
        self.distribution: Value = None
        self.commands_run: set[str] = set()
        self.shell_folder = ""
        """The folder that a shell's `cd` has gone to."""
        self.setup_frame: tuple[Frame, ast.AST] | None = None
        self.on_setup: Callable[[Machine], None] | None = None
        """Called once setup() has its arguments: configuration files may add to them."""
        self.run_setup: Callable[[], None] = lambda: None
        """Runs the tree's setup.py: setuptools' hooks do, which a backend of the tree may call."""
        self.asks_for: Callable[[dict[str, Value]], bool] = lambda _keywords: False
        """Whether these arguments of setup() make the hook ask for requirements."""
        self.goes_on: Callable[[Machine], bool] = _ends
        """Asked where the hook would end with its answer: whether the next hook's run may follow at once."""
        self.running: list[ast.AST] = []
        self.scopes: list[Scope] = []
        """Those of classes and calls in which a function was made, which refers to them."""
        index.machines.append(self)
        self.evaluate: Callable[[Machine, Frame, ast.expr], Value]
        self.execute: Callable[[Machine, Frame, Sequence[ast.stmt]], Any]

    def release(self) -> None:
        """Part what refers to each other in circles (a module's names, its functions, the machine itself)."""
        for module in self.modules.values():
            module.scope.names.clear()
        for scope in self.scopes:
            scope.names.clear()
        self.scopes.clear()
        self.modules.clear()
        self.builtins.clear()
        self.commands.clear()
        self.setup_frame = self.distribution = self.on_setup = None
        self.run_setup = lambda: None
        self.goes_on = _ends

    # -- caps ---------------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Count one step. BudgetSpent at the cap."""
        self.steps += 1
        if self.steps > self.step_limit:
            self.give_up()

    def give_up(self) -> NoReturn:
        """End at the cap of steps."""
        raise BudgetSpent(f"it takes more than {self.step_limit} steps")

    def allocate(self, size: int) -> bool:
        """Whether a value of this size may be made; False says that it has to stay unknown."""
        if size > self.limits.text:
            return False
        if size > 1000:
            self.allocated += size
            if self.allocated > self.limits.allocated:
                raise BudgetSpent("its values take too much memory")
        return True

    # -- what runs ----------------------------------------------------------------------------------------------------

    def evidence(self, frame: Frame, node: ast.AST) -> Evidence:
        """The line of the script that `node` stands on."""
        return self.evidence_at(frame.module.file, getattr(node, "lineno", 1))

    def evidence_at(self, file: str, line: int) -> Evidence:
        """A line of a file of the tree, with its text."""
        return self.files.index.evidence(file, line)

    def condition(self, text: str) -> Condition:
        """What runs inside hangs on an undecided condition. Conditions left over by an early return inside go, too."""
        return Condition(self.conditions, text)

    def catches(self, kind: type[BaseException]) -> Guard | None:
        """The innermost active `try` that would catch such an exception, None for none."""
        for guard in reversed(self.guards):
            for caught in guard.kinds:
                if caught is None or (isinstance(caught, type) and issubclass(kind, caught)):
                    return guard
        return None

    def fail(self, kind: type[BaseException], message: str, frame: Frame, node: ast.AST) -> bool:
        """Raise what the real operation would, if the script catches it; else False: the value stays unknown."""
        if self.catches(kind) is None:
            return False
        raise Raised(kind, message, file=frame.module.file, line=getattr(node, "lineno", 0))

    # -- what is seen -------------------------------------------------------------------------------------------------

    @property
    def news(self) -> int:
        """How many different things were seen so far."""
        return len(self._noted)

    def strength(self) -> Strength:
        """HARD, or CONDITIONAL inside an undecided branch."""
        return Strength.CONDITIONAL if self.conditions else Strength.HARD

    def see_import(self, name: str, strength: Strength, evidence: Evidence, *, in_tree: bool = False) -> None:
        """Note an import from outside the tree."""
        condition = " and ".join(dict.fromkeys(self.conditions[-2:])) if strength is Strength.CONDITIONAL else ""
        self._noted.add(("import", name, evidence.file, evidence.line))
        self.seen.imports.append(
            ImportSeen(
                name, name.partition(".")[0], self.phase, strength, evidence, condition, self.after_setup, in_tree
            )
        )

    def is_standard(self, root: str) -> bool:
        """Whether a first name is the standard library's."""
        return standard_library(root, self.around.target.python)

    def is_gone(self, api: RemovedApiEntry) -> bool:
        """Whether the versions that this build uses lack it."""
        return self.around.lacks(api)

    def generates_sources(self) -> bool:
        """Whether the script has commands of its own, or wrote files, that may make the sources it compiles."""
        own = (Instance, ClassValue)
        return bool(self.files.written) or any(
            isinstance(command, own) for name, command in self.commands.items() if name != "bdist_wheel"
        )

    def take_as_present(self, root: str) -> None:
        """From here on, the project of a module is there, whatever else imports it."""
        project = candidates(root)[0]
        self.present.update((project, *brought_with(project)))

    def is_present(self, root: str) -> bool:
        """Whether a module belongs to a project that nothing here works without."""
        return candidates(root)[0] in self.present

    def look_for(self, root: str, evidence: Evidence, found: Value) -> Value:
        """What a lookup of a module yields that fails without raising (`find_spec`): `found`, or None."""
        if root in self.around.assumed:
            self.see_import(root, self.strength(), evidence)
            return found
        self.see_import(root, Strength.GUARDED, evidence)
        if self.is_present(root):
            return found
        if self.around.everything or self.around.provides(root):
            return found
        self.seen.missed[root] = None
        return None

    def see_tool(
        self, name: str, evidence: Evidence, strength: Strength | None = None, phase: Phase | None = None
    ) -> None:
        """Note a tool; its strength and phase are the present ones unless given."""
        strength = strength or self.strength()
        condition = " and ".join(dict.fromkeys(self.conditions[-2:])) if strength is Strength.CONDITIONAL else ""
        self._noted.add(("tool", name, evidence.file, evidence.line))
        self.seen.tools.append(ToolSeen(name, phase or self.phase, strength, evidence, condition))

    def see_knob(self, variable: str, default: str | None, evidence: Evidence) -> None:
        """Note an environment variable that is read."""
        self._noted.add(("knob", variable, evidence.file, evidence.line))
        self.seen.knobs.append(KnobSeen(variable, default, evidence))

    def see_version(self, module: str, specifier: str, evidence: Evidence) -> None:
        """Note a version that the script insists on, unless it would catch its own refusal."""
        if not any(guard.kinds for guard in self.guards):
            self._noted.add(("version", module + specifier, evidence.file, evidence.line))
            self.seen.versions.append(VersionSeen(module, specifier, self.phase, evidence))

    def see_removed(self, key: str, strength: Strength | None, evidence: Evidence) -> None:
        """Note a use of something that is gone in newer versions; its strength is the present one unless given."""
        self._noted.add(("removed", key, evidence.file, evidence.line))
        self.seen.removed.append(RemovedSeen(key, self.phase, strength or self.strength(), evidence))

    def see_download(self, url: str, evidence: Evidence) -> None:
        """Note that something is fetched."""
        self._noted.add(("download", url, evidence.file, evidence.line))
        self.seen.downloads.append(DownloadSeen(url, self.phase, False, evidence))

    def see_unknown(self, reason: str, evidence: Evidence | None = None) -> None:
        """Note what could not be known, once."""
        if (reason, evidence) not in self._told:
            self._told.add((reason, evidence))
            self.seen.unknowns.append(Unknown(reason, (evidence,) if evidence else ()))

    def see_absent(self, file: str, evidence: Evidence) -> None:
        """Note a file that the script reads and that the tree does not have: the real script fails there."""
        self.seen.absent.setdefault(file, evidence)

    # -- parsing ------------------------------------------------------------------------------------------------------

    def parse(self, file: str, source: str | None = None, *, imported: bool = False) -> ast.Module | None:
        """The syntax tree of a file of the tree, or of another text that is shown as that file's.

        Of a module that is `imported`, bodies of functions may be left out until they are called. None where it cannot
        be parsed: that is noted with its line.
        """
        index = self.files.index
        if source is None and file in self.files.written:
            source = self.files.written[file]
        if source is not None:
            index.mixed.add(file)
            tree, problem, line = parse_script(source)
        else:
            tree = index.module(file) if imported else index.syntax(file)
            problem, line = index.problems.get(file, ("", 0))
        if problem:
            self.see_unknown(f"{file} {problem}", self.evidence_at(file, line))
        return tree


class Patience:
    """How long one loop is followed: until its cap of rounds, or until it has seen nothing new for long."""

    __slots__ = ("_m", "_news", "_rounds", "_since")

    def __init__(self, m: Machine) -> None:
        self._m = m
        self._rounds = 0
        self._news = m.news
        self._since = m.steps

    def ends(self) -> bool:
        """Whether the next round is not run any more."""
        m = self._m
        if m.news != self._news:
            self._news, self._since = m.news, m.steps
        limits, fruitless = m.limits, m.steps - self._since
        if self._rounds >= limits.rounds or fruitless > limits.fruitless_at_all:
            return True
        if self._rounds >= limits.rounds_at_least and fruitless > limits.fruitless:
            return True
        self._rounds += 1
        return False

    def note(self, evidence: Evidence) -> None:
        """Say that the loop was left."""
        self._m.see_unknown("a loop was not followed to its end", evidence)
