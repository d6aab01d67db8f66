"""Dependencies that no index offers: folders, git repositories and archives by path or URL, read without running them.

`gathering.SourceReader` reads those of an environment with what they require in turn, `reading` a single one. Only
`git` starts a program: git itself.
"""
