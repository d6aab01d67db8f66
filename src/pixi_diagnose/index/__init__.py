"""Package indexes: pages, files, cache, credentials, and the overlay index that resolves without building.

`resolve_projects(request, session)` answers a PypiRequest; an IndexSession is what it is asked with.
"""

from .resolver import resolve_projects
from .session import IndexSession

__all__ = ["IndexSession", "resolve_projects"]
