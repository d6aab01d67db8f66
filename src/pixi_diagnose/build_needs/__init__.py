"""SourceTree → BuildNeeds: what a build needs, read without running it.

`analysis.analyse_build` reads, `providers` says who gives a build what it imports, `model` holds the values (and costs
nothing to import: kept answers are shown without the analyser).
"""
