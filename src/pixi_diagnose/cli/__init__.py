"""The command line: arguments → diagnose → renderer → exit status. A command's file is loaded when it is called."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import Any

import click

from .. import __version__
from ..errors import PixiDiagnoseError
from .output import FAILED, columns, placed, say_error, tolerate_narrow_encodings

__all__ = ["main"]

COMMANDS = ("check", "explain", "init", "inspect", "plan", "verify")
"""Each is a file of this folder, and the click command of that name in it."""
HELP = 100
"""The widest that help becomes."""
COLLECTED_AFTER = 50_000
"""Objects between two collections: a run is short, and Python's own 700 took a twentieth of a cold one."""
INTERRUPTED = 130


class _Program(click.Group):
    """The commands, with `check` where none is named, and errors as `error: …` and `hint: …` with exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The commands' names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command of a name, None for a name that is none."""
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        command: click.Command = getattr(import_module(f".{cmd_name}", __name__), cmd_name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `check` in front of arguments that name no command."""
        own = {"--version", *self.get_help_option_names(ctx), *COMMANDS}
        if not (args and args[0] in own) and not (ctx.resilient_parsing and not args):
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def main(  # type: ignore[override]  # click's own is an overload on standalone_mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run a command and exit with its status (1 where the reader of its output went away: click sees to that)."""
        given = sys.argv[1:] if args is None else list(args)
        status = FAILED
        gc.set_threshold(COLLECTED_AFTER)
        try:
            tolerate_narrow_encodings()
            # the width is given because click would import shutil and its decompressors to find it
            settings = {"terminal_width": min(columns(), HELP) - 2, **extra, "standalone_mode": False}
            status = super().main(given, prog_name or "pixi-diagnose", **settings) or 0
        except PixiDiagnoseError as error:
            say_error(placed(error), error.hint)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            say_error(error.format_message(), f"{context.command_path} --help" if context else "")
        except click.Abort:
            status = INTERRUPTED
        except Exception as error:  # noqa: BLE001  # the last resort: a fault of this program, said in one line
            if {"-v", "--verbose"} & set(given):
                import traceback

                traceback.print_exc()
            say_error(
                f"this should not have happened: {type(error).__name__}: {error}",
                "please report it, with the traceback that -v shows and the manifest if you can",
            )
        if args is None:
            gc.freeze()  # the process ends: searching what is left for circles takes a twentieth of a lint
        sys.exit(status)


@click.group("pixi-diagnose", cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Say before anything runs which PyPI builds of a pixi workspace will fail, why, and which edit would pass.

    Without a command it is `check`: `pixi-diagnose`, `pixi-diagnose PATH`, `pixi-diagnose --json PATH`.
    No package code is executed. Exit status: 0 nothing found, 1 findings, 2 it could not be answered.
    """
