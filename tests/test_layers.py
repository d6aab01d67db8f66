"""The layout of the package, held: a module imports only what stands above it, heavy things only where used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "pixi_diagnose"

LAYERS = (
    "lazy_dataclass",
    "pep508",
    "data",
    "errors",
    "evidence",
    "outcome",
    "prose",
    "prefix",
    "kept_values",
    "connections",
    "document",
    "settings",
    "manifest",
    "environment",
    "names",
    "source_tree",
    "core_metadata",
    "metadata",
    "build_needs",
    "index",
    "sources",
    "conda",
    "locks",
    "pins",
    "universal_lock",
    "uv_resolution",
    "resolve",
    "frontends",
    "finding",
    "rules",
    "build_subjects",
    "plan",
    "side_by_side",
    "report",
    "question",
    "checking",
    "writing",
    "diagnose",
    "inspection",
    "verify",
    "renderers",
    "cli",
)


def imported(path: Path) -> set[str]:
    """The top-level modules of this package that a file imports, at any depth of its code."""
    found = set()
    parts = path.relative_to(PACKAGE).parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = parts[: len(parts) - node.level]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {(*base, *name.split("."))[0] for name in names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pixi_diagnose."):
            found.add(str(node.module).split(".")[1])
    return found


def test_each_module_imports_only_from_above() -> None:
    rank = {name: i for i, name in enumerate(LAYERS)}
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        relative = path.relative_to(PACKAGE)
        own = relative.parts[0].removesuffix(".py")
        if own in {"__init__", "__main__"}:
            continue
        assert own in rank, f"{own} has no place in the layout"
        wrong += [f"{relative} imports {name}" for name in imported(path) if name in rank and rank[name] > rank[own]]
    assert wrong == []


def test_the_command_line_imports_nothing_heavy() -> None:
    heavy = ("rich", "httpx2", "rattler", "packaging.pylock", "pygls", "sqlite3", "pixi_diagnose.index")
    code = f"import sys, pixi_diagnose.cli; print([m for m in {heavy!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
