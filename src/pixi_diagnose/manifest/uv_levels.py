"""The levels of uv's settings and how they become one: variables, the project, the user, the system (uv.md U1).

As uv 0.13 combines them: what is nearer goes before what is further away. A single value replaces, lists are joined
(the nearer first), tables are merged key by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .addresses import below
from .uv_options import UvOptions

__all__ = ["combined", "for_pip", "placed"]

_NAMES = tuple(name for name in UvOptions.__slots__ if name not in {"pip", "places"})


def combined(nearer: UvOptions, further: UvOptions) -> UvOptions:
    """Two levels as one."""
    values = {name: _joined(getattr(nearer, name), getattr(further, name)) for name in _NAMES}
    own, other = nearer.pip, further.pip
    pip = (own or other) if own is None or other is None else combined(own, other)
    return UvOptions(**values, pip=pip, places={**further.places, **nearer.places})


def for_pip(options: UvOptions) -> UvOptions:
    """The settings of `uv pip`: those of its own table before the general ones.

    What is built and what is not counts from both, as the two spell it differently (`:all:`).
    """
    own = options.pip
    if own is None:
        return options
    chosen = combined(replace(own, no_build=None, no_binary=None), replace(options, pip=None))
    off = own.no_binary
    return replace(
        chosen,
        no_build=True if True in (own.no_build, options.no_build) else options.no_build,
        no_binary=True if True in (off, options.no_binary) else off if isinstance(off, tuple) else options.no_binary,
        no_build_package=() if options.no_build is False else options.no_build_package,
        no_binary_package=() if options.no_binary is False else options.no_binary_package,
    )


def placed(options: UvOptions, folder: str) -> UvOptions:
    """Settings of a file in `folder` with their paths seen from where that is relative to."""
    links, default, extra = options.find_links, options.index_url, options.extra_index_url
    return replace(
        options,
        index=None if options.index is None else tuple(replace(i, url=below(folder, i.url)) for i in options.index),
        index_url=None if default is None else below(folder, default),
        extra_index_url=None if extra is None else tuple(below(folder, url) for url in extra),
        find_links=None if links is None else tuple(below(folder, link) for link in links),
        pip=None if options.pip is None else placed(options.pip, folder),
    )


def _joined(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, tuple) and isinstance(other, tuple):
        return (*one, *other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {key: _joined(one.get(key), other.get(key)) for key in (*one, *(k for k in other if k not in one))}
    if isinstance(one, tuple) or isinstance(other, tuple):  # names of one level, `:all:` or `:none:` of another
        return True if True in (one, other) else one if isinstance(one, tuple) else other
    return one
