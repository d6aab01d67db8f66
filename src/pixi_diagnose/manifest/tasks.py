"""Checks `[tasks]` (pixi.md P2): no task matters to a build, but a broken one makes pixi refuse the manifest."""

from __future__ import annotations

import re

from .fields import Node, Problems, Table

__all__ = ["check_environment_name", "check_tasks"]

_ENVIRONMENT_NAME = r"[a-z0-9-]+"


def check_environment_name(name: str) -> str:
    """The name itself if an environment may be called so; ValueError otherwise."""
    if not re.fullmatch(_ENVIRONMENT_NAME, name):
        raise ValueError(
            f"failed to parse environment name '{name}', please use only lowercase letters, numbers and dashes"
        )
    return name


def check_tasks(problems: Problems, node: Node) -> None:
    """Note what pixi would refuse of a table of tasks, and deprecated spellings."""
    problems.mapping(node, str, lambda task: _check_task(problems, task), by_name=True)


def _check_task(problems: Problems, node: Node) -> None:
    if isinstance(node.value, str):
        return
    if isinstance(node.value, list):
        for element in node.elements():
            if problems.table(element):
                _check_dependency(problems, element, strict=False)
        return
    if not isinstance(node.value, dict):
        problems.wanted(node, "a string or a table")
        return
    table = Table(problems, node)
    command = table.take("cmd")
    if command is not None:
        _check_command(problems, command)
        table.strings("inputs")
        table.strings("outputs")
    _check_dependencies(problems, table)
    if command is not None:
        table.string("cwd")
        table.read("env", lambda env: problems.mapping(env, str, problems.string))
        table.parsed("default-environment", check_environment_name)
    table.string("description")
    if command is not None:
        table.boolean("clean-env")
    arguments = table.take("args")
    if arguments is not None:
        _check_arguments(problems, node, arguments)
    table.finish()


def _check_command(problems: Problems, node: Node) -> None:
    if isinstance(node.value, list):
        problems.array(node, problems.string)
    elif not isinstance(node.value, str):
        problems.wanted(node, "a string or an array")


def _check_dependencies(problems: Problems, table: Table) -> None:
    node = table.take("depends-on")
    if node is None and "depends_on" in table:
        node = table.take("depends_on")
        if node is not None:
            message = "the 'depends_on' field is deprecated, use 'depends-on' instead"
            problems.add("deprecated", message, node.key, hint="replace this with 'depends-on'", at="key")
    if node is None or isinstance(node.value, str):
        return
    if not isinstance(node.value, list):
        problems.wanted(node, "a string or an array")
        table.lead()
        return
    for element in node.elements():
        if isinstance(element.value, dict):
            _check_dependency(problems, element, strict=True)
        elif not isinstance(element.value, str):
            problems.wanted(element, "a string or a table")
            table.lead()


def _check_dependency(problems: Problems, node: Node, *, strict: bool) -> None:
    table = Table(problems, node)
    table.required("task", problems.string)
    table.read("args", lambda arguments: problems.array(arguments, lambda a: _check_argument_value(problems, a)))
    table.parsed("environment", check_environment_name)
    if strict:
        table.finish()


def _check_argument_value(problems: Problems, node: Node) -> None:
    if isinstance(node.value, dict):
        if len(node.value) != 1:
            problems.invalid(node, "expected exactly one name and its value")
        for named in node.items():
            problems.string(named[1])
    elif not isinstance(node.value, str):
        problems.wanted(node, "a string or { string = string }")


def _check_arguments(problems: Problems, task: Node, node: Node) -> None:
    if not isinstance(node.value, list):
        problems.wanted(node, "an array")
        return
    with_default = False
    for element in node.elements():
        if isinstance(element.value, str):
            problems.parsed(element, _check_argument_name)
            has_default = False
        elif isinstance(element.value, dict):
            has_default = _check_argument(problems, element)
        else:
            problems.wanted(element, "a string or a table")
            continue
        if with_default and not has_default:
            problems.invalid(task, "default value required after previous arguments with defaults")
        with_default = with_default or has_default


def _check_argument(problems: Problems, node: Node) -> bool:
    table = Table(problems, node)
    table.required("arg", lambda name: problems.parsed(name, _check_argument_name))
    default = table.string("default")
    choices = table.strings("choices")
    table.finish()
    if default is not None and choices is not None and default not in choices:
        problems.invalid(node, f"default value '{default}' is not one of the allowed choices: {', '.join(choices)}")
    return default is not None


def _check_argument_name(name: str) -> str:
    if "-" in name:
        raise ValueError(f"'{name}' is not a valid argument name since it contains the character '-'")
    return name
