"""The rules, one file each: the folder's listing is the table of rules.

A file's name says a rule's code and name, its docstring is the rule's public page. What only has to be listed or
explained is read from there (`LISTED`); the rules themselves (`rules_on`) need the whole pipeline.

Severity says what happens. ERROR: the simulated tool fails for it. WARNING: it passes here, and something is lost, left
to luck, or fails on a clean machine; also what this machine lacks though other machines have it. INFO: worth knowing.

Confidence says what a finding rests on, and is that of the weakest part. HIGH: behaviour that was seen with the real
tool, and versions that were resolved. MEDIUM: an assumption that the finding or the report's unknowns name (channels
that were not reached, what this machine's PATH has), or a check that was read in the program that makes it (torch's of
CUDA). LOW: behaviour of a frontend that was only read, never seen, or a machine that is not this one.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..lazy_dataclass import dataclass

if TYPE_CHECKING:
    from ..finding import Rule

__all__ = ["LISTED", "ListedRule", "Subject", "listed", "rules_on"]

Subject = Literal["manifest", "resolution", "build"]


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule as the listing shows it, without importing it; `module` is its file's name without the suffix."""

    module: str

    @property
    def code(self) -> str:
        """Its code: "ISO101"."""
        return self.module.partition("_")[0].upper()

    @property
    def name(self) -> str:
        """The fault's name: "undeclared-build-requirement"."""
        return self.module.partition("_")[2].replace("_", "-")

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What there has to be for it to find anything: without a build, rules on builds need not be loaded."""
        on: dict[Subject, frozenset[str]] = {"manifest": _ON_MANIFESTS, "build": _ON_BUILDS}
        return tuple(subject for subject, codes in on.items() if self.code in codes) or ("resolution",)

    @property
    def page(self) -> str:
        """The public page, as Markdown: What it finds / Why it breaks / Example / Use instead / Limits."""
        import ast
        import inspect

        source = Path(__file__).with_name(f"{self.module}.py").read_text(encoding="utf-8")
        return inspect.cleandoc(ast.get_docstring(ast.parse(source)) or "")


_ON_MANIFESTS = frozenset({"CFG901", "CFG902", "CFG903", "ISO108"})
_ON_BUILDS = frozenset(
    {"ISO101", "ISO102", "ISO103", "ISO104", "ISO105", "ISO106", "ISO108", "ISO109", "ISO111", "ISO112", "ISO113"}
    | {"ISO114", "ENV201", "ENV202", "ENV203", "ENV204", "ENV206"}
)

LISTED = tuple(
    map(
        ListedRule,
        (
            "cfg901_invalid_manifest",
            "cfg902_unknown_key",
            "cfg903_deprecated_table",
            "cfg904_conda_name_conflict",
            "iso102_missing_build_requirement",
            "iso103_late_build_requirement",
            "iso101_undeclared_build_requirement",
            "iso104_unchecked_build_requirement",
            "iso105_build_runtime_mismatch",
            "iso106_isolation_off_for_all",
            "iso107_ineffective_isolation_entry",
            "iso108_unread_build_setting",
            "iso109_guarded_build_import",
            "iso110_build_forbidden",
            "iso111_unusable_match_runtime",
            "iso112_removed_build_api",
            "iso113_warm_prefix_only",
            "iso114_failing_build_script",
            "env201_missing_cuda_toolkit",
            "env202_cuda_mismatch",
            "env203_missing_compiler",
            "env204_missing_build_tool",
            "env205_unbuildable_platform",
            "env206_download_in_build",
            "pin302_native_pin_conflict",
            "idx402_no_usable_distribution",
            "idx404_unsatisfiable_requirements",
            "lck502_stale_lock",
        ),
    )
)
"""All rules, in the order in which they run."""


def listed(name: str) -> ListedRule | None:
    """The rule of this code or name, None for no such rule."""
    return next((r for r in LISTED if name.upper() == r.code or name.lower() == r.name), None)


def rules_on(*subjects: Subject) -> tuple[Rule, ...]:
    """The rules themselves on these subjects, in the order in which they run."""
    found = (r for r in LISTED if not set(subjects).isdisjoint(r.subjects))
    return tuple(import_module(f".{r.module}", __package__).RULE for r in found)
