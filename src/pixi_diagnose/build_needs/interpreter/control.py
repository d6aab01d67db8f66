"""How the interpretation of a script leaves its normal course."""

from __future__ import annotations

from typing import Any

__all__ = ["Break", "BudgetSpent", "Continue", "HookEnds", "Normal", "Raised", "Return"]


class Raised(Exception):  # noqa: N818 - it is the interpreted script's exception, not an error of ours
    """The interpreted script raises.

    `kind` is the exception class (Python's own, or one of the tree's), None where it is unknown. `blame` is the missing
    module that it started from, empty where it is none. `line` and `file` are where it was raised.
    """

    def __init__(
        self, kind: Any, message: str = "", *, blame: str = "", file: str = "", line: int = 0, value: Any = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.blame = blame
        self.file = file
        self.line = line
        self.value = value
        self.imported = False
        """Raised by the body of a module of the tree that was being imported."""
        self.conditional = False
        """Raised behind a condition that could not be decided."""
        self.told = False
        """Noted as a possible end of the script."""

    def detached(self) -> Raised:
        """Itself, without the frames of this interpreter that it came through: they hold all that was running."""
        self.__context__ = None
        return self.with_traceback(None)


class BudgetSpent(Exception):  # noqa: N818 - control flow of the interpreter, not an error
    """A cap of steps, depth or memory was reached; `what` says which."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class HookEnds(Exception):  # noqa: N818 - control flow of the interpreter, not an error
    """The hook has its answer and stops the script here (setup() reached by get_requires with setup_requires)."""


class Normal:
    """A block ran to its end."""


class Break:
    """A loop is left."""


class Continue:
    """A loop goes to its next round."""


class Return:
    """A function returns `value`."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value
