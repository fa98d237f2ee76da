# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the messages that the collection's code can print, to compare them with those that the documentation explains.

A message consists of its fixed parts, without those that the code fills in. Comments and docstrings are not messages.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

#: Calls whose arguments in these positions are messages, as is one that is named msg.
MAKERS: dict[str, slice] = {
    "CloudPondError": slice(1, 2),
    "error": slice(0, 1),
    "NoAnswer": slice(0, 1),
    "ValueError": slice(0, 1),
    "_refusal": slice(1, 2),
    "_Unusable": slice(0, 1),
    "AnsibleFilterError": slice(0, 1),
    "Failure": slice(1, 2),
    "_failure": slice(1, 2),
    "fail_json": slice(0, 0),
}

Message = tuple[str, ...]


def messages_in(root: Path) -> set[Message]:
    """Return the messages of the plugins and of the roles."""
    found: set[Message] = set()
    constants: dict[str, ast.expr] = {}
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("module_utils", "modules", "plugin_utils", "test", "filter")
        for path in sorted((root / "plugins" / folder).glob("*.py"))
    ]
    for tree in trees:
        constants.update({name: value for name, value in _assigned(tree.body) if isinstance(value, ast.Constant)})
    for tree in trees:
        found.update(_of_python(tree, constants))
        for name, value in _assigned(tree.body):
            if name.endswith("_ADVICE"):
                found.update(_texts(value, {}))
    for path in sorted(root.glob("roles/*/tasks/*.yml")):
        found.update(_of_tasks(yaml.safe_load(path.read_text(encoding="utf-8"))))
    for path in sorted(root.glob("roles/*/vars/*.yml")):
        for name, value in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            if name.endswith(("_message", "_advice")):
                found.update(_of_template(value))
    # Separators, the name of a library, and the words between a name and a status are not messages.
    return {message for message in found if len(re.findall(r"[A-Za-z]+", " ".join(message))) > 2}


def _of_python(tree: ast.Module, constants: dict[str, ast.expr]) -> Iterator[Message]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        variables: dict[str, list[ast.expr]] = {name: [value] for name, value in constants.items()}
        for name, value in _assigned(list(ast.walk(function))):
            variables.setdefault(name, []).append(value)
        for call in ast.walk(function):
            if isinstance(call, ast.Call):
                name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                if name in MAKERS:
                    named = [keyword.value for keyword in call.keywords if keyword.arg == "msg"]
                    for argument in [*call.args[MAKERS[name]], *named]:
                        yield from _texts(argument, variables)


def _assigned(statements: list[Any]) -> Iterator[tuple[str, ast.expr]]:
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement.value


def _texts(node: ast.expr, variables: dict[str, list[ast.expr]]) -> Iterator[Message]:
    """Yield the messages that an expression can be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield (node.value,)
    elif isinstance(node, ast.JoinedStr):
        parts = [""]
        for piece in node.values:
            value: Any = piece.value if isinstance(piece, ast.FormattedValue) else piece
            if isinstance(value, ast.Name) and value.id in variables:
                value = variables[value.id][0]
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                parts[-1] += value.value
            else:
                parts.append("")
        yield tuple(part for part in parts if part)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, variables)
        yield from _texts(node.orelse, variables)
    elif isinstance(node, (ast.BoolOp, ast.Dict)):
        for operand in node.values:
            yield from _texts(operand, variables)
    elif isinstance(node, ast.Name):
        for value in variables.get(node.id, []):
            yield from _texts(value, {})
    elif isinstance(node, ast.Call):
        for argument in node.args:
            yield from _texts(argument, variables)


def _of_tasks(tasks: Any) -> Iterator[Message]:
    if isinstance(tasks, list):
        for task in tasks:
            yield from _of_tasks(task)
    elif isinstance(tasks, dict):
        for key, value in tasks.items():
            if key == "fail_msg":
                for sentence in value.split("; "):
                    yield (sentence,)
            else:
                yield from _of_tasks(value)


def _of_template(text: str) -> Iterator[Message]:
    """Yield the sentences of a template: the text between its statements, without the expressions."""
    for piece in re.split(r"\{%.*?%\}", text, flags=re.S):
        parts = [" ".join(part.split()) for part in re.split(r"\{\{.*?\}\}", piece, flags=re.S)]
        yield tuple(part for part in parts if part)


def rows_in(page: Path) -> list[list[Message]]:
    """
    Return the first cells of the tables of the page on messages.

    A cell has patterns with commas between them. A pattern is parts of a message, in their order, with ``...`` between.
    """
    cells = re.findall(r"^   \* - (``.*(?:\n {7}.*)*)", page.read_text(encoding="utf-8"), re.M)
    rows = []
    for cell in cells:
        patterns = re.split(r"(?<=``),\s+(?=``)", cell)
        for pattern in patterns:
            if not re.fullmatch(r"``[^`]+``(\s+\.\.\.\s+``[^`]+``)*", pattern):
                raise ValueError(f"neither parts in double backquotes, nor ... between them: {pattern}")
        rows.append([tuple(re.findall(r"``([^`]+)``", pattern)) for pattern in patterns])
    return rows


def is_of(pattern: Message, message: Message) -> bool:
    """Return whether a pattern of the page is one for a message: each part stands in a fixed part, in this order."""
    place, begin = 0, 0
    for part in pattern:
        while place < len(message) and (found := message[place].find(part, begin)) < 0:
            place, begin = place + 1, 0
        if place == len(message):
            return False
        begin = found + len(part)
    return True
