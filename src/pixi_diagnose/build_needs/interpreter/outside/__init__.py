"""Models of what lies outside the tree: importing this package registers them all."""

from . import (
    builtin_functions,
    compilers,
    files,
    numpy_distutils,
    packages,
    processes,
    scripts,
    setuptools_commands,
    setuptools_hooks,
    system,
    text,
)

__all__ = [
    "builtin_functions",
    "compilers",
    "files",
    "numpy_distutils",
    "packages",
    "processes",
    "scripts",
    "setuptools_commands",
    "setuptools_hooks",
    "system",
    "text",
]
