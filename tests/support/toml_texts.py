"""TOML 1.1 documents in every layout that a person might write, drawn by hypothesis; tomli judges their values."""

from __future__ import annotations

from hypothesis import strategies as st

SCALARS = (
    *("1", "-7", "0x1F", "1_000", "3.5", "-0.0", "1e6", "inf", "true", "false"),
    *('""', '"plain"', '"with # and , ] }"', '"\\u00e9 \\e \\x41 \\" \\\\"', "'literal \\ ]'", "'🦀'"),
    *(
        '"""one"""',
        '"""\nmany ""two"" \\\n   lines # no comment\n"""',
        "'''\nraw '' ] }\n'''",
        '"""ends in quotes"""""',
    ),
    *("2024-01-01", "07:32", "2024-01-01 07:32:00Z", "1979-05-27T00:32:00.5-07:00"),
)
KEYS = ("name", "a-b", "x_1", "2", '"quoted.key"', "'literal key'", '"é🦀"', '"esc\\u0061pe"', '""')
COMMENTS = ("", "", "", " # why", "\t# tabs # twice", "  # ends with [x] = {")


def unique_keys(size: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(KEYS), max_size=size, unique=True)


@st.composite
def arrays(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    members = draw(st.lists(items, max_size=4))
    match draw(st.sampled_from(("line", "spaced", "lines", "mixed"))):
        case "line":
            return "[" + ", ".join(members) + draw(st.sampled_from(("", ","))) * bool(members) + "]"
        case "spaced":
            return "[ " + " ,".join(members) + " ]"
        case "lines":
            comments = [draw(st.sampled_from(COMMENTS)) for _ in members]
            ends = [","] * (len(members) - 1) + [draw(st.sampled_from((",", "")))]
            lines = [f"  {m}{e}{c}\n" for m, e, c in zip(members, ends, comments, strict=False)]
            return "[\n" + "".join(lines) + draw(st.sampled_from(("", "  # last\n"))) + "]"
    return "[ # first\n" + " # note\n  , ".join(members) + "\n]"


@st.composite
def inline_tables(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    entries = [f"{key} = {draw(values)}" for key in draw(unique_keys(3))]
    match draw(st.sampled_from(("tight", "usual", "lines"))):
        case "tight":
            return "{" + ",".join(entries) + "}"
        case "usual":
            return "{ " + ", ".join(entries) + " }"
    return "{\n" + "".join(f"    {entry},{draw(st.sampled_from(COMMENTS))}\n" for entry in entries) + "}"


VALUES = st.recursive(
    st.sampled_from(SCALARS), lambda inner: st.one_of(arrays(inner), inline_tables(inner)), max_leaves=5
)


@st.composite
def entries(draw: st.DrawFn) -> str:
    indent = draw(st.sampled_from(("", "", "  ")))
    equals = draw(st.sampled_from((" = ", "=", "   = ")))
    lines = []
    for key in draw(unique_keys(3)):
        dotted = draw(st.sampled_from(("", "", ".sub", ' . "deep".er')))
        lines.append(f"{indent}{key}{dotted}{equals}{draw(VALUES)}{draw(st.sampled_from(COMMENTS))}\n")
        if dotted == ".sub":
            lines.append(f"{indent}{key}.other{equals}{draw(VALUES)}\n")
        lines.append(draw(st.sampled_from(("", "", "\n", "# a line\n"))))
    return "".join(lines)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A valid document: root keys, tables, tables only implied, arrays of tables with sub-tables; LF or CRLF."""
    parts = [draw(st.sampled_from(("", "# top\n", "\n# top\n\n"))), draw(entries())]
    names = draw(st.lists(st.sampled_from(("t", "u.v", 'w."x y"', "w.z", "dependencies")), max_size=3, unique=True))
    above = st.sampled_from(("", "\n", "# about it\n"))
    parts += [f"{draw(above)}[{name}]\n{draw(entries())}" for name in names]
    for _ in range(draw(st.integers(0, 2))):
        parts.append(f"\n[[many]] # one\n{draw(entries())}")
        if draw(st.booleans()):
            parts.append(f"[many.inner]\n{draw(entries())}")
    text = "".join(parts)
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return text.replace("\n", "\r\n") if draw(st.integers(0, 3)) == 0 else text
