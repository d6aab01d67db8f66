"""Package indexes: pages, files, cache, credentials, and the overlay index that resolves without building.

`resolutions.resolve_projects(request, session)` answers a PypiRequest; a `session.IndexSession` is what it is asked
with.
"""
