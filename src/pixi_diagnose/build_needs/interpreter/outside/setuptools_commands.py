"""setup(), and what distutils' and setuptools' own commands run of a script's classes."""

from __future__ import annotations

import re

from ....pep508 import canonicalize_name
from .. import commands
from ..importing import import_module
from ..models import CONSTANTS, FUNCTIONS, Call, function, method
from ..objects import iterate
from ..values import Instance, Made, Opaque, Outside, Value

__all__: list[str] = []


@function(
    "setuptools.setup", "skbuild.setup", "skbuild.setuptools_wrap.setup", "numpy.distutils.core.setup",
    "setuptools_rust.setup", "torch.utils.setup", "pbr.setup",
)  # fmt: skip
def _setup(call: Call) -> Value:
    return commands.setup(call)


# distutils' dist.py: Distribution.display_options, with underscores for dashes.
_DISPLAY_OPTIONS = (
    "help-commands name version fullname author author-email maintainer maintainer-email contact contact-email url "
    "license licence description long-description platforms classifiers keywords provides requires obsoletes"
)
for _owner in ("setuptools", "setuptools.dist", "distutils.dist", "distutils.core"):
    CONSTANTS[f"{_owner}.Distribution.display_option_names"] = lambda _m: _DISPLAY_OPTIONS.replace("-", "_").split()


@function("torch.utils.cpp_extension.BuildExtension.with_options")
def _with_options(_call: Call) -> Value:
    return Outside("torch.utils.cpp_extension.BuildExtension")


@function("setuptools.find_packages", "setuptools.find_namespace_packages", "setuptools.PEP420PackageFinder.find")
def _find_packages(_call: Call) -> Value:
    return Opaque("find_packages()")


@function(
    "setuptools.Distribution",
    "distutils.core.Distribution",
    "distutils.dist.Distribution",
    "setuptools.dist.Distribution",
)
def _distribution(call: Call) -> Value:
    attributes = call.argument(0, "attrs")
    made = Made("setuptools.Distribution", [], dict(attributes) if isinstance(attributes, dict) else {}, call.evidence)
    if isinstance(call.receiver, Instance):
        call.receiver.attributes.update(made.keywords)
    return made


@method("fetch_build_eggs")
def _fetch_build_eggs(call: Call) -> Value:
    """Of setup()'s own distribution the hook answers with them; any other one has `pip wheel` fetch what is not there.

    Seen with setuptools 84.0: get_requires patches distutils.core.Distribution only, and `setup_requires` given to a
    Distribution that is made elsewhere does nothing.
    """
    m, wanted = call.m, call.argument(0, "requires")
    if call.receiver is m.distribution:
        commands.ask_for(call, wanted)
        return []
    texts = [text for text in iterate(m, wanted if wanted is not None else []) if isinstance(text, str)]
    names = [re.split(r"[<>=!~;\[ ]", text.strip(), maxsplit=1)[0] for text in texts]
    absent = [name for name in names if not m.around.provides(name) and not m.is_present(name)]
    if absent:
        import_module(m, call.frame, "pip", call.node)
        m.see_download(f"pip wheel {' '.join(absent)}", call.evidence)
        m.fetched.update(map(canonicalize_name, absent))
    return []


@method("run_command")
def _run_command(call: Call) -> Value:
    name = call.argument(0, "command")
    if isinstance(name, str) and isinstance(call.receiver, Instance | Made):
        commands.run_command(call.m, call.frame, name, call.node)
    return None


@method("get_finalized_command", "get_command_obj", "reinitialize_command")
def _get_command(call: Call) -> Value:
    name = call.argument(0, "command")
    if isinstance(name, str):
        return commands.finalized(call.m, call.frame, name, call.node)
    return Opaque("a command")


@method("build_extensions", "_build_extensions_serial")
def _build_extensions(call: Call) -> Value:
    if isinstance(call.receiver, Instance):
        commands.build_extensions(call.m, call.frame, call.receiver, call.node)
    return None


@method("run")
def _run(call: Call) -> Value:
    """`super().run()` of a command: what the base does, by the base's name."""
    if not isinstance(call.receiver, Instance):
        return Opaque("run()")
    base = call.path.removesuffix(".run").rpartition(".")[2]
    commands.run_base(call.m, call.frame, base, call.receiver, call.node)
    return None


@method(
    "finalize_options", "initialize_options", "set_undefined_options", "announce", "warn", "debug_print", "copy_file",
    "copy_tree", "mkpath", "ensure_string", "ensure_finalized", "build_extension", "dump_options", "make_file",
    "swig_sources", "check_extensions_list", "add_defaults", "make_release_tree", "setup_parallel_build",
)  # fmt: skip
def _harmless(_call: Call) -> Value:
    return None


@method("spawn")
def _spawn(call: Call) -> Value:
    return FUNCTIONS["distutils.spawn.spawn"](call)
