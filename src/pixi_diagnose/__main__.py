"""`python -m pixi_diagnose`."""

from .cli import main

main()
