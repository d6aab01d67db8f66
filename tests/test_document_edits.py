"""Edits of the user's file: the exact text before and after. Whatever an edit does not name keeps its bytes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from pixi_diagnose.document import Document, Edit, unified_diff
from pixi_diagnose.document.spans import Form
from pixi_diagnose.errors import ManifestError
from pixi_diagnose.evidence import KeyPath
from support.toml_texts import documents

ISOLATION = ("pypi-options", "no-build-isolation")

CASES: dict[str, tuple[str, list[Edit], str]] = {
    "an array stays on its line": (
        '[pypi-options]\nno-build-isolation = ["axolotl"]  # mine\n',
        [Edit.set(ISOLATION, ["flash-attn"])],
        '[pypi-options]\nno-build-isolation = ["flash-attn"]  # mine\n',
    ),
    "an item joins the others on their line": (
        "[t]\na = [ 'x', 'y' ]\n",
        [Edit.append(("t", "a"), "z", comment="needs torch")],
        "[t]\na = [ 'x', 'y', 'z' ]  # needs torch\n",
    ),
    "an item gets its own line where the others have theirs": (
        '[t]\na = [\n  "x",  # why x\n  "y"\n]\n',
        [Edit.append(("t", "a"), "z", comment="why z")],
        '[t]\na = [\n  "x",  # why x\n  "y",\n  "z"  # why z\n]\n',
    ),
    "a trailing comma stays a trailing comma": (
        '[t]\na = [\n    "x",\n]\n',
        [Edit.append(("t", "a"), "y"), Edit.discard(("t", "a"), "x")],
        '[t]\na = [\n    "y",\n]\n',
    ),
    "the last item goes without leaving a comma": (
        '[t]\na = [\n  "x",  # why x\n  "y"  # why y\n]\n',
        [Edit.discard(("t", "a"), "y")],
        '[t]\na = [\n  "x"  # why x\n]\n',
    ),
    "an empty array is filled": (
        "[t]\na = []\nb = [\n  # none yet\n]\n",
        [Edit.append(("t", "a"), 1), Edit.append(("t", "b"), 2)],
        "[t]\na = [1]\nb = [\n  # none yet\n  2,\n]\n",
    ),
    "items that change places take their comments along": (
        '[t]\na = [\n  "x",  # why x\n  "y",  # why y\n  "z",\n]\n',
        [Edit.set(("t", "a"), ["y", "x", "z"])],
        '[t]\na = [\n  "y",  # why y\n  "x",  # why x\n  "z",\n]\n',
    ),
    "an item is changed in its place": (
        "a = ['torch==2.6', # pinned\n     'numpy']\n",
        [Edit.set(("a",), ["torch==2.5", "numpy"])],
        "a = ['torch==2.5', # pinned\n     'numpy']\n",
    ),
    "the only item goes": ('[t]\na = [ "x", ]\n', [Edit.remove(("t", "a", 0))], "[t]\na = []\n"),
    "a value keeps its place and its comment": (
        "[dependencies]\npython   = '3.11.*' # old\n",
        [Edit.set(("dependencies", "python"), "3.12.*", comment="new")],
        "[dependencies]\npython   = '3.12.*' # old\n",
    ),
    "an equal value changes nothing": (
        "[t]\na = [0x10, 'b',]\n",
        [Edit.set(("t", "a"), [16, "b"])],
        "[t]\na = [0x10, 'b',]\n",
    ),
    "a key comes after its neighbours, with the reason": (
        '[dependencies]\npython = "3.12.*"\n\n# tasks\n[tasks]\nt = "x"\n',
        [Edit.add_key(("dependencies", "setuptools"), "*", comment="flash-attn\nis built")],
        '[dependencies]\npython = "3.12.*"\nsetuptools = "*"  # flash-attn is built\n\n# tasks\n[tasks]\nt = "x"\n',
    ),
    "a key is written as its neighbours are": (
        '[dependencies]\n  python     = "*"\n  zlib       = "*"\n[t]\na=1\n',
        [Edit.add_key(("dependencies", "cuda-nvcc"), "*"), Edit.add_key(("t", "b"), 2)],
        '[dependencies]\n  python     = "*"\n  zlib       = "*"\n  cuda-nvcc  = "*"\n[t]\na=1\nb=2\n',
    ),
    "a key that is there keeps its value": (
        '[t]\na = "mine"\n',
        [Edit.add_key(("t", "a"), "other", comment="no")],
        '[t]\na = "mine"\n',
    ),
    "an inline table stays inline": (
        '[pypi-dependencies]\ntorch = { version = "*" }\nx = {}\n',
        [
            Edit.set(("pypi-dependencies", "torch", "index"), "https://index.example", comment="wheels"),
            Edit.set(("pypi-dependencies", "torch", "version"), "==2.6.0"),
            Edit.set(("pypi-dependencies", "x", "a"), 1),
        ],
        (
            '[pypi-dependencies]\ntorch = { version = "==2.6.0", index = "https://index.example" }  # wheels\n'
            "x = { a = 1 }\n"
        ),
    ),
    "an inline table over several lines (TOML 1.1) stays so": (
        "[t]\na = {\n  b = 1, # one\n  c = 2,\n}\n",
        [Edit.set(("t", "a", "d"), 3, comment="three"), Edit.remove(("t", "a", "b"))],
        "[t]\na = {\n  c = 2,\n  d = 3,  # three\n}\n",
    ),
    "a dotted key gets a dotted neighbour": (
        '[dependencies]\npytorch.version = "*"\nz = "*"\n',
        [Edit.set(("dependencies", "pytorch", "build"), "cuda*")],
        '[dependencies]\npytorch.version = "*"\npytorch.build = "cuda*"\nz = "*"\n',
    ),
    "a new table stands where such tables usually stand": (
        '[workspace]\nname = "x"\n\n[dependencies]\na = "*"\n\n[pypi-dependencies]\nb = "*"\n\n[tasks]\nc = "d"\n',
        [Edit.set(ISOLATION, ["b"])],
        (
            '[workspace]\nname = "x"\n\n[dependencies]\na = "*"\n\n[pypi-options]\nno-build-isolation = ["b"]\n\n'
            '[pypi-dependencies]\nb = "*"\n\n[tasks]\nc = "d"\n'
        ),
    ),
    "a feature's table stands with the feature's": (
        '[feature.gpu.dependencies]\na = "*"\n\n# the other\n[feature.cpu.dependencies]\na = "*"\n',
        [Edit.set(("feature", "gpu", *ISOLATION), ["b"])],
        (
            '[feature.gpu.dependencies]\na = "*"\n\n[feature.gpu.pypi-options]\nno-build-isolation = ["b"]\n\n'
            '# the other\n[feature.cpu.dependencies]\na = "*"\n'
        ),
    ),
    "a table of pyproject.toml stands below its tool's": (
        '[project]\nname = "x"\n[tool.pixi.workspace]\nchannels = []\n[tool.ruff]\nline-length = 1\n',
        [Edit.set(("tool", "pixi", "dependencies", "a"), "*")],
        (
            '[project]\nname = "x"\n[tool.pixi.workspace]\nchannels = []\n[tool.pixi.dependencies]\na = "*"\n'
            "[tool.ruff]\nline-length = 1\n"
        ),
    ),
    "an environment is declared as its neighbours are": (
        '[environments]\ncpu = { features = ["cpu"] }\n',
        [Edit.set(("environments", "gpu", "features"), ["gpu"])],
        '[environments]\ncpu = { features = ["cpu"] }\ngpu = { features = ["gpu"] }\n',
    ),
    "a table of several keys gets a header": (
        '[workspace]\nname = "x"',
        [Edit.set(("feature", "diagnose", "dependencies"), {"pixi-diagnose": "*", "a.b": 1})],
        '[workspace]\nname = "x"\n\n[feature.diagnose.dependencies]\npixi-diagnose = "*"\n"a.b" = 1',
    ),
    "a text without tables gets its first": ("", [Edit.set(("t", "a"), 1)], "[t]\na = 1\n"),
    "a key of the document stands before its tables": (
        "# about the project\n\n# first\n[t]\na = 1\n",
        [Edit.set(("b",), True)],
        "# about the project\n\nb = true\n\n# first\n[t]\na = 1\n",
    ),
    "a removed key takes its line along": (
        "[t]\n# above\na = [\n  1, # one\n] # end\n\nb = 2",
        [Edit.remove(("t", "a")), Edit.remove(("t", "c"))],
        "[t]\n# above\n\nb = 2",
    ),
    "the last line goes and no line break comes": ("a = 1\nb = 2", [Edit.remove(("b",))], "a = 1"),
    "a removed table takes its sub-tables and one blank line along": (
        "[a]\nx = 1\n\n[b]\ny = 1 # y\n\n[b.c]\nz = 1\n\n# about d\n[d]\nw = 1\n",
        [Edit.remove(("b",))],
        "[a]\nx = 1\n\n# about d\n[d]\nw = 1\n",
    ),
    "an element of an array of tables goes": (
        '[[i]]\nname = "a"\n[i.sub]\nx = 1\n\n[[i]]\nname = "b"\n',
        [Edit.remove(("i", 0))],
        '[[i]]\nname = "b"\n',
    ),
    "true becomes a list": (
        "[pypi-options]\nno-build-isolation = true # all\n",
        [Edit.set(ISOLATION, ["a", "b"])],
        '[pypi-options]\nno-build-isolation = ["a", "b"] # all\n',
    ),
    "CRLF stays CRLF": (
        '[t]\r\na = [\r\n  "x",\r\n]\r\n',
        [Edit.append(("t", "a"), "y", comment="c"), Edit.set(("u", "b"), 1), Edit.set(("t", "c"), "d")],
        '[t]\r\na = [\r\n  "x",\r\n  "y",  # c\r\n]\r\nc = "d"\r\n\r\n[u]\r\nb = 1\r\n',
    ),
    "a byte order mark stays in front": (
        "\ufeffa = 1\n",
        [Edit.remove(("a",)), Edit.set(("b",), 2)],
        "\ufeffb = 2\n",
    ),
    "a table is set key by key": (
        '[dependencies]\na = "1" # keep\nb = "2"\n',
        [Edit.set(("dependencies",), {"a": "1", "c": "3"})],
        '[dependencies]\na = "1" # keep\nc = "3"\n',
    ),
    "a table joins an array of tables, behind the others and what belongs to them": (
        '[[i]]\nname = "a"\n[i.sub]\nx = 1\n\n# about t\n[t]\n',
        [Edit.add_table(("i",), {"name": "b", "n": ["x"]}, "why"), Edit.add_table(("i",), {"name": "b", "n": ["x"]})],
        '[[i]]\nname = "a"\n[i.sub]\nx = 1\n\n[[i]]  # why\nname = "b"\nn = ["x"]\n\n# about t\n[t]\n',
    ),
    "the first of its kind goes among its kin": (
        "[tool.uv]\npackage = false\n\n[other]\n",
        [Edit.add_table(("tool", "uv", "dependency-metadata"), {"name": "a"})],
        '[tool.uv]\npackage = false\n\n[[tool.uv.dependency-metadata]]\nname = "a"\n\n[other]\n',
    ),
    "an array of inline tables gets an inline one": (
        "t = [{ a = 1 }]\n",
        [Edit.add_table(("t",), {"a": 2})],
        "t = [{ a = 1 }, { a = 2 }]\n",
    ),
    "an inline table of a section that is not there": (
        "[tool.uv]\npackage = false\n",
        [
            Edit.set(("tool", "uv", "extra", "p", "A"), "1", "why", inline=True),
            Edit.set(("tool", "uv", "extra", "p", "B"), "2", inline=True),
            Edit.set(("tool", "uv", "extra", "q", "A"), "3", inline=True),
        ],
        '[tool.uv]\npackage = false\n\n[tool.uv.extra]\np = { A = "1", B = "2" }  # why\nq = { A = "3" }\n',
    ),
    "strings are written as TOML reads them": (
        "[t]\n",
        [Edit.set(("t", "a"), 'q" \\ \x01\x7f\n é'), Edit.set(("t", "b"), {"x": 1.5, "y z": [True, float("inf")]})],
        '[t]\na = "q\\" \\\\ \\u0001\\u007f\\n é"\nb = { x = 1.5, "y z" = [true, inf] }\n',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_edit(name: str) -> None:
    before, edits, after = CASES[name]
    assert Document(before, "pixi.toml").apply(edits) == after
    tomli.loads(after.removeprefix("\ufeff"))


@pytest.mark.parametrize(
    ("text", "edit", "line", "words"),
    [
        ('\n[t]\na = "x"\n', Edit.set(("t", "a", "b"), 1), 3, "t.a is no table"),
        ("[t]\na = 1\n", Edit.append(("t", "a"), 1), 2, "t.a is no array"),
        ("[t]\na = [1]\n", Edit.set(("t", "a", 3), 1), 2, "t.a has no item 3"),
        ("[t]\na = \n", Edit.set(("t", "b"), 1), 2, "not TOML"),
    ],
)
def test_an_edit_that_does_not_fit_is_an_error_at_its_place(text: str, edit: Edit, line: int, words: str) -> None:
    with pytest.raises(ManifestError, match=words) as caught:
        Document(text, "pixi.toml").apply([edit])
    assert (caught.value.path, caught.value.line) == ("pixi.toml", line)


def test_edits_are_values() -> None:
    assert len({Edit.set(("a",), ["b"]), Edit.set(("a",), ("b",)), Edit.remove(("a",))}) == 2


def test_a_difference_is_shown_as_diff_shows_it() -> None:
    assert unified_diff("a\nb\nc\n", "a\nB\nc\n", "pixi.toml", context=0) == (
        "--- pixi.toml\n+++ pixi.toml\n@@ -2 +2 @@\n-b\n+B\n"
    )
    assert unified_diff("a\r\nb", "a\r\nb", "pixi.toml") == ""


# The general case: the edited text reads as the edited data, and nothing else has changed.

VALUES: tuple[Any, ...] = ("new", 5, ["x", "y"], {"k": "v", "w": [1]}, {})


def at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


def without_empty(value: Any) -> Any:
    """Removing what a table was implied by removes the table as well, so that empty ones do not count."""
    if isinstance(value, dict):
        return {k: v for k, inner in value.items() if (v := without_empty(inner)) not in ({}, [])}
    if isinstance(value, list | tuple):
        return [v for inner in value if (v := without_empty(inner)) not in ({}, [])]
    return repr(value)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(documents(), st.data())
def test_every_edit_does_what_it_says_and_nothing_else(text: str, data: st.DataObject) -> None:
    document = Document(text)
    if not document.spans.paths:
        return
    path = data.draw(st.sampled_from(list(document.spans.paths)))
    form, value = document.spans.paths[path].form, document.value_at(path)
    wanted = copy.deepcopy(document.data)
    kinds = ["remove"]
    kinds += ["append", "arrange"] * (form is Form.ARRAY) + ["add", "add deep"] * isinstance(value, dict)
    kinds += ["set"] * (form in {Form.SCALAR, Form.ARRAY, Form.INLINE})
    match data.draw(st.sampled_from(kinds)):
        case "remove":
            edit = Edit.remove(path)
            del at(wanted, path[:-1])[path[-1]]
        case "set":
            edit = Edit.set(path, data.draw(st.sampled_from(VALUES)), comment="why")
            at(wanted, path[:-1])[path[-1]] = edit.value
        case "append":
            edit = Edit.append(path, "item", comment="why")
            at(wanted, path).append("item")
        case "arrange":
            order = data.draw(st.permutations([*value, "item"]))
            edit = Edit.set(path, order[: data.draw(st.integers(0, len(order)))])
            at(wanted, path[:-1])[path[-1]] = edit.value
        case "add":
            edit = Edit.add_key((*path, "fresh"), "value", comment="why")
            at(wanted, path)["fresh"] = "value"
        case _:
            edit = Edit.add_key((*path, "fresh", "pypi-options"), "value", comment="why")
            at(wanted, path)["fresh"] = {"pypi-options": "value"}
    edited = document.apply([edit])
    assert without_empty(tomli.loads(edited)) == without_empty(wanted)
    if "\r\n" in text:
        assert "\n" not in edited.replace("\r\n", "")
    added = edit.kind in {"append", "add-key"}
    assert is_kept(text, edited) if added else is_untouched(document, edited, path)


def is_kept(text: str, edited: str) -> bool:
    """Whether every character is still there, in its order; blanks may go from between empty brackets."""
    rest = iter(edited)
    return all(char in rest for char in text if char != " ")


def is_untouched(document: Document, edited: str, path: KeyPath) -> bool:
    """Whether every line is still there, in its order, but those of the key or of what it stands in."""
    top = path
    while len(top) > 1 and (span := document.spans.paths[top]).container is not None:
        top = next(p for p, s in document.spans.paths.items() if s.value[0] == span.container)
    own: set[int] = set()
    for key in document.spans.paths:
        if key[: len(top)] == top:
            found = document.range_of(key, "entry")
            own |= set(range(found.start.line, found.end.line + 1))
    lines = document.text.splitlines()
    rest = iter(edited.splitlines())
    return all(line in rest for n, line in enumerate(lines, 1) if line.strip() and n not in own)
