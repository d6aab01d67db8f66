"""What people read in a terminal: `report` for `check` and `plan`, a module each for what the other commands print.

They share `page` (all that is shown passes through it) and import nothing that only others of them need.
"""
