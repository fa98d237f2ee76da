# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Reads the operands of the tests and filters: registered results, entries of the API, and lists of them."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible.errors import AnsibleFilterError
from jinja2 import Undefined

#: ansible-core gives the first two to every registered result. An entry to which the API adds one of them is read as a
#: result without entries, and so as no success.
_RESULT_KEYS = frozenset({"changed", "failed", "skipped", "unreachable"})


class Kind(t.NamedTuple):
    """A kind of entry: delivery orders or edge sites."""

    #: The keys of one entry and of a list in a result. In messages, "_" is a space.
    key: str
    list_key: str
    #: The list key of the other kind.
    other_list_key: str

    @property
    def module(self) -> str:
        """The full name of the module that queries it."""
        return f"huaweicloud.cloudpond.cloudpond_{self.key}_info"


ORDERS = Kind("delivery_order", "delivery_orders", "edge_sites")
SITES = Kind("edge_site", "edge_sites", "delivery_orders")

_NOTHING = "The query returned nothing"


@dataclass(frozen=True)
class Failure:
    """A failed query."""

    #: The message of the task's result. It may have several lines.
    message: str
    #: Fields of the ``error``. None and False without one.
    http_status: int | None = None
    code: str | None = None
    retryable: bool = False
    #: Ansible skipped the task, or an item of its loop.
    skipped: bool = False


@dataclass(frozen=True)
class Answer:
    """The outcome of one query: entries, or a failure, with the entries that were found all the same."""

    entries: Sequence[Mapping[str, t.Any]]
    failure: Failure | None = None
    #: The entries come from a listing of the account.
    listed: bool = False

    @property
    def hopeless(self) -> bool:
        """The query failed, and further waiting is useless."""
        return self.failure is not None and not self.failure.retryable

    def all_are(self, *statuses: str) -> bool:
        """The query did not fail, there is an entry, and every entry is in one of these statuses."""
        return self.failure is None and bool(self.entries) and all(each["status"] in statuses for each in self.entries)


_SKIPPED = Answer([], Failure("The query was skipped", skipped=True))


def read(value: object, plugin: str, kind: Kind, *, takes_listing: bool) -> list[Answer]:
    """
    Read the operand of a test or filter.

    :param value: A registered result (of a loop, too), an entry, or a list of entries.
    :param plugin: The full name of the test or filter, for errors.
    :param kind: The kind of the entries.
    :param takes_listing: Whether a registered result may be a listing of the account.
    :return: One answer for each query, at least one. An empty loop is an answer without entries.
    :raises AnsibleFilterError: for any other value. The message describes it.
    :raises jinja2.UndefinedError: for an undefined variable.
    """
    # From 2.19 on, ansible-core does this before it calls a plugin.
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    noun = kind.key.replace("_", " ")
    try:
        if isinstance(value, Mapping) and _RESULT_KEYS & value.keys():
            answers = _of_result(value, kind)
        else:
            answers = [Answer(_bare_entries([value] if isinstance(value, Mapping) else value, kind))]
    except ValueError:
        raise AnsibleFilterError(
            f"{plugin} takes a registered result of {kind.module}, {'an' if noun[0] in 'aeiou' else 'a'} {noun} or a "
            f"list of {noun}s, but was given {_describe(value)}"
        ) from None
    if not takes_listing and any(answer.listed for answer in answers):
        raise AnsibleFilterError(
            f"{plugin} was given a listing of the account, which is not a gate: the task has neither {kind.key}_id nor "
            f"{kind.key}_ids. Give the IDs, or test the result's {kind.list_key} if you mean the listing"
        )
    return answers


def _of_result(result: Mapping[str, t.Any], kind: Kind) -> list[Answer]:
    """
    Read the result of a task.

    :raises ValueError: for a result of something else.
    """
    if "results" in result:
        return _of_loop(result, kind)
    if result.get("skipped"):
        return [_SKIPPED]
    message, error, found = result.get("msg"), result.get("error"), result.get(kind.list_key)
    if result.get("unreachable"):
        return [Answer([], Failure(str(message or "The host that runs the query is unreachable")))]
    # The result of the gate has both lists.
    if found is None and kind.other_list_key in result:
        raise ValueError
    entries = [] if found is None else _entries(found)
    if isinstance(error, Mapping):
        message = str(message or error.get("message") or _NOTHING)
        retryable = error.get("retryable") is True
        return [Answer(entries, Failure(message, error.get("http_status"), error.get("code"), retryable))]
    if found is None or error is not None:
        # Wrong arguments or a crash: the wait ends, so that the task's own message is shown.
        return [Answer(entries, Failure(str(message or _NOTHING)))]
    # A gate has the sites of delivered orders only. While it is shut, another one may be missing.
    if kind is SITES and result.get("open") is False:
        return [Answer([])]
    return [Answer(entries, listed=bool(result.get("listed")))]


def _of_loop(result: Mapping[str, t.Any], kind: Kind) -> list[Answer]:
    answers: list[Answer] = []
    for item in _list(result["results"]):
        if not isinstance(item, Mapping) or not _RESULT_KEYS & item.keys():
            raise ValueError
        answers += _of_result(item, kind)
    # ansible-core says so when every item was skipped. An empty loop is skipped, too, but is no failure.
    if answers and result.get("skipped"):
        answers.append(_SKIPPED)
    return answers or [Answer([])]


def _bare_entries(value: object, kind: Kind) -> list[Mapping[str, t.Any]]:
    """Return a list of entries that is not part of a result. One with a result's keys could be read in two ways."""
    entries = _entries(value)
    if any((_RESULT_KEYS | {kind.list_key, "results"}) & entry.keys() for entry in entries):
        raise ValueError
    return entries


def _entries(value: object) -> list[Mapping[str, t.Any]]:
    entries = _list(value)
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("status", 0), (str, type(None))):
            raise ValueError
    return entries


def _list(value: object) -> list[t.Any]:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes, bytearray)):
        raise ValueError
    return list(value)


def _describe(value: object) -> str:
    # ansible-core's own types are named after their base.
    base = next(base for base in type(value).__mro__ if base.__module__ == "builtins")
    name = (type(value) if base is object else base).__name__
    if isinstance(value, Mapping):
        return f"{name} with the keys {', '.join(sorted(map(str, value)))}" if value else f"empty {name}"
    first = _describe(value[0]) if isinstance(value, (list, tuple)) and value else ""
    return f"{name} that begins with {first}" if first else name
