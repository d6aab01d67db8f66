"""open, pathlib, glob and what os says about paths, over the tree's files."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath

from ..control import Raised
from ..machine import Machine
from ..models import Call, constant, function
from ..values import Made, Opaque, Outside, Value, mentions

__all__: list[str] = []


def _path(call: Call, position: int = 0, name: str = "path") -> Value:
    return call.argument(position, name)


# -- existence --------------------------------------------------------------------------------------------------------


@function(
    "os.path.exists", "os.path.isfile", "os.path.isdir", "os.path.lexists", "os.access", "os.path.islink",
    "pathlib.Path.exists", "pathlib.Path.is_file", "pathlib.Path.is_dir", "pathlib.Path.is_symlink",
)  # fmt: skip
def _exists(call: Call) -> Value:
    path, name = _path(call), call.path.rpartition(".")[2]
    files = call.m.files
    if name in {"islink", "is_symlink"}:
        return False if files.inside(path) is not None else Opaque("islink()")
    ask = {"isfile": files.is_file, "is_file": files.is_file, "isdir": files.is_folder, "is_dir": files.is_folder}
    answer = ask.get(name, files.exists)(path)
    if answer is None:
        shown = f"{path} exists" if isinstance(path, str | PurePosixPath) else "a path exists"
        return Opaque(shown, mentions(path))
    return answer


# -- reading ----------------------------------------------------------------------------------------------------------


def _open_text(call: Call, path: Value, mode: Value) -> Value:
    """The file object of a path: known text, or unknown; Raised where the tree does not have it."""
    m = call.m
    if isinstance(mode, str) and "U" in mode and m.around.target.python >= (3, 11):
        raised = Raised(ValueError, f"invalid mode: {mode!r}", file=call.frame.module.file, line=call.evidence.line)
        raised.conditional = bool(m.conditions)
        raise raised
    relative = m.files.inside(path)
    writing = isinstance(mode, str) and any(c in mode for c in "wax+")
    if relative is None:
        if m.guards:
            m.guards[-1].maybe = True
        return Opaque(f"open({path!r})" if isinstance(path, str) else "an open file", mentions(path))
    if writing:
        m.files.written[relative] = None
        return Made("io.Writer", [relative], {}, call.evidence)
    if m.files.is_file(path) is False:
        m.fail(FileNotFoundError, relative, call.frame, call.node)
        if not m.conditions:
            m.see_absent(relative, call.evidence)
        return Opaque(f"{relative}, which the tree lacks")
    text = m.files.text(path)
    if text is None:
        return Opaque(f"the text of {relative}")
    made = Made("io.Reader", [text], {}, call.evidence)
    made.attributes["name"] = path
    made.attributes["binary"] = isinstance(mode, str) and "b" in mode
    return made


@function("builtins.open", "io.open", "codecs.open", "tokenize.open", "builtins.file")
def _open(call: Call) -> Value:
    return _open_text(call, _path(call, 0, "file"), call.argument(1, "mode", "r"))


@function("pathlib.Path.open")
def _path_open(call: Call) -> Value:
    return _open_text(call, _path(call), call.argument(1, "mode", "r"))


def _content(made: Value) -> Value:
    if isinstance(made, Made) and made.path == "io.Reader":
        text = made.args[0]
        return text.encode() if made.attributes.get("binary") else text
    return Opaque("the text of a file")


@function("io.Reader.read", "io.Reader.readlines", "io.Reader.readline", "io.Reader.__enter__", "io.Reader.close")
def _read(call: Call) -> Value:
    name = call.path.rpartition(".")[2]
    text = _content(call.receiver)
    if name == "read":
        return text
    if name in {"readlines", "readline"} and isinstance(text, str | bytes) and isinstance(call.receiver, Made):
        held = call.receiver.attributes
        lines = held.setdefault("·lines", text.splitlines(keepends=True))
        if name == "readlines":
            return list(lines)
        position = held.get("·position", 0)
        held["·position"] = position + 1
        return lines[position] if position < len(lines) else text[:0]
    return call.receiver if name == "__enter__" else None


@function("io.Writer.write", "io.Writer.writelines", "io.Writer.close", "io.Writer.flush")
def _write(call: Call) -> Value:
    text, made = call.argument(0), call.receiver
    if call.path.endswith(".write") and isinstance(made, Made) and isinstance(text, str):
        relative = made.args[0]
        before = call.m.files.written.get(relative)
        if call.m.allocate(len(before or "") + len(text)):
            call.m.files.written[relative] = (before or "") + text
    return None


@function("pathlib.Path.read_text", "pathlib.Path.read_bytes")
def _read_text(call: Call) -> Value:
    made = _open_text(call, _path(call), "r")
    text = _content(made)
    return text.encode() if call.path.endswith("bytes") and isinstance(text, str) else text


@function("pathlib.Path.write_text", "pathlib.Path.write_bytes")
def _write_text(call: Call) -> Value:
    text = call.argument(1, "data")
    call.m.files.note_written(_path(call), text if isinstance(text, str) else None)
    return None


@function("pkgutil.get_data")
def _get_data(_call: Call) -> Value:
    return Opaque("package data")


# -- paths of the tree ------------------------------------------------------------------------------------------------


@function("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath", "path.Path")
def _make_path(call: Call) -> Value:
    parts = [a for a in call.args if isinstance(a, str | PurePosixPath)]
    if len(parts) != len(call.args) or any("\0" in str(part) for part in parts):
        return Opaque("a path", next((t for a in call.args if (t := mentions(a))), ""))
    return PurePosixPath(*parts)


@function("pathlib.Path.cwd")
def _cwd(call: Call) -> Value:
    return PurePosixPath(call.m.files.folder)


@function("pathlib.Path.resolve", "pathlib.Path.absolute", "pathlib.Path.expanduser")
def _resolve(call: Call) -> Value:
    path = _path(call)
    if not isinstance(path, PurePosixPath) or str(path).startswith("~"):
        return Opaque("a path")
    if call.path.endswith("expanduser"):
        return path
    return PurePosixPath(posixpath.normpath(posixpath.join(call.m.files.folder, str(path))))


@function("pathlib.Path.unlink", "pathlib.Path.rmdir", "pathlib.Path.chmod")
def _change(_call: Call) -> Value:
    return None


@function("pathlib.Path.mkdir", "os.makedirs", "os.mkdir", "distutils.dir_util.mkpath")
def _make_folder(call: Call) -> Value:
    call.m.files.note_made(call.argument(0, "name", call.keywords.get("path")))
    return None


@function("pathlib.Path.touch")
def _touch(call: Call) -> Value:
    if call.m.files.is_file(_path(call)) is False:
        call.m.files.note_written(_path(call), "")
    return None


@function(
    "shutil.copy", "shutil.copyfile", "shutil.copy2", "shutil.move", "os.rename", "os.replace", "os.symlink", "os.link",
    "distutils.file_util.copy_file", "distutils.file_util.move_file",
)  # fmt: skip
def _copy(call: Call) -> Value:
    """A file under another name: into a folder, or as a file."""
    source, target = call.argument(0, "src"), call.argument(1, "dst")
    files = call.m.files
    if files.is_folder(source):
        files.complete = False
        files.note_made(target)
    elif files.is_folder(target) and isinstance(source, str | PurePosixPath):
        files.note_written(posixpath.join(str(target), posixpath.basename(str(source))), files.text(source))
    else:
        files.note_written(target, files.text(source))
    return target


@function(
    "shutil.copytree", "shutil.unpack_archive", "zipfile.ZipFile.extractall", "zipfile.ZipFile.extract",
    "tarfile.TarFile.extractall", "tarfile.TarFile.extract", "distutils.dir_util.copy_tree",
    "distutils.archive_util.unpack_archive", "setuptools.archive_util.unpack_archive",
)  # fmt: skip
def _unpack(call: Call) -> Value:
    """Files whose names are not known: nothing is surely absent any more."""
    call.m.files.complete = False
    return None


@function("tarfile.open", "tarfile.TarFile.open")
def _open_tar(call: Call) -> Value:
    return Made("tarfile.TarFile", call.args, call.keywords, call.evidence)


@constant("pathlib.Path.home")
def _home(_m: Machine) -> Value:
    return Outside("pathlib.home")


@function("glob.glob", "glob.iglob")
def _glob(call: Call) -> Value:
    pattern = _path(call, 0, "pathname")
    if isinstance(pattern, PurePosixPath):
        pattern = str(pattern)
    if not isinstance(pattern, str) or len(pattern) > 500:
        return Opaque("glob()")
    base = call.keywords.get("root_dir")
    if base is not None:
        return Opaque("glob()")
    found = call.m.files.matching(pattern, recursive=bool(call.keywords.get("recursive")))
    return Opaque("glob()") if found is None else found


@function("pathlib.Path.glob", "pathlib.Path.rglob", "pathlib.Path.iterdir")
def _path_glob(call: Call) -> Value:
    path, pattern = _path(call), call.argument(1, "pattern", "*")
    name = call.path.rpartition(".")[2]
    if not isinstance(path, PurePosixPath) or not isinstance(pattern, str) or len(pattern) > 500:
        return Opaque(f"{name}()")
    if name == "rglob":
        pattern = f"**/{pattern}"
    found = call.m.files.matching(posixpath.join(str(path), pattern), recursive=True)
    return Opaque(f"{name}()") if found is None else [PurePosixPath(n) for n in found]


@function("os.listdir", "os.scandir")
def _listdir(call: Call) -> Value:
    children = call.m.files.children(call.argument(0, "path", "."))
    if children is None:
        if call.m.files.is_folder(call.argument(0, "path", ".")) is False:
            call.m.fail(FileNotFoundError, "no such folder", call.frame, call.node)
        return Opaque("listdir()")
    return children if call.path.endswith("listdir") else [Opaque("an entry")]


@function("os.walk")
def _walk(call: Call) -> Value:
    rows = call.m.files.below(call.argument(0, "top"))
    return Opaque("walk()") if rows is None else rows


@function("os.path.getsize", "os.path.getmtime", "os.stat")
def _stat(call: Call) -> Value:
    relative = call.m.files.inside(_path(call))
    if call.path.endswith("getsize") and relative is not None and relative in call.m.files.tree.names:
        return call.m.files.tree.names[relative]
    return Opaque("a size")
