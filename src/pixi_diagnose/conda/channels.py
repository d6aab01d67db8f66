"""Channels: how the manifest spells them, where they are, and how they are shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["channel_folder", "channel_url", "repodata_directory", "shown_channel", "shown_channels"]

_PATH = r"\.{0,2}[/\\]|~|[A-Za-z]:[/\\]"


def channel_url(spelled: str, root: str) -> str:
    """A channel as the solver takes it: names and URLs as they are, a path (below `root`) as file URL."""
    if "://" in spelled or not re.match(_PATH, spelled):
        return spelled
    return (Path(root).absolute() / Path(spelled).expanduser()).resolve().as_uri()


def channel_folder(channel: str) -> Path | None:
    """The folder of a channel on this machine, None for any other."""
    return Path(unquote(urlsplit(channel).path)) if channel.startswith("file://") else None


def shown_channel(channel: str) -> str:
    """A channel for people: without user, password or token."""
    return re.sub(r"//[^/@]*@", "//", re.sub(r"/t/[^/]+", "", channel))


def shown_channels(channels: Iterable[str]) -> str:
    """Several of them: "channel a", "channels a, b"."""
    names = [shown_channel(c) for c in channels]
    return ("channel " if len(names) == 1 else "channels ") + ", ".join(names)


def repodata_directory() -> Path:
    """Where channel data is kept: pixi's own place, so that what pixi has fetched is not fetched again.

    As pixi 0.77 finds it (read in its source, pixi_config): PIXI_CACHE_DIR, RATTLER_CACHE_DIR, the `pixi` folder of the
    user's cache directory where there is one, else rattler's.
    """
    import platformdirs

    pinned = os.environ.get("PIXI_CACHE_DIR") or os.environ.get("RATTLER_CACHE_DIR")
    user = platformdirs.user_cache_path()
    own = user / "pixi"
    root = Path(pinned) if pinned else own if own.is_dir() else user / "rattler" / "cache"
    return root / "repodata"
