"""Says before anything runs which PyPI builds of a pixi or uv project will fail, why, and what would pass."""

__version__ = "0.1.0"
