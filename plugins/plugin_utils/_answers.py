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

from ..module_utils._specification import FIELDS, SITE_FIELDS

#: Keys that a registered result has, and an entry has only if the API adds them.
_RESULT_KEYS = frozenset({"changed", "failed", "skipped", "unreachable"})


class Kind(t.NamedTuple):
    """A kind of entry: delivery orders or edge sites."""

    #: The keys of one entry and of a list in a result. In messages, "_" is a space.
    key: str
    list_key: str
    #: The keys that the module gives to each entry. The API may add any others.
    fields: frozenset[str]

    @property
    def module(self) -> str:
        """The full name of the module that queries it."""
        return f"huaweicloud.cloudpond.cloudpond_{self.key}_info"


ORDERS = Kind("delivery_order", "delivery_orders", frozenset(FIELDS))
SITES = Kind("edge_site", "edge_sites", frozenset(SITE_FIELDS))

_LIST_KEYS = frozenset({ORDERS.list_key, SITES.list_key})

#: Keys that mark a mapping without the keys above as a result, unless it is an entry: a playbook may have removed them.
_OTHER_RESULT_KEYS = _LIST_KEYS | {"error", "msg", "results"}


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

    @property
    def hopeless(self) -> bool:
        """The query failed, and further waiting is useless."""
        return self.failure is not None and not self.failure.retryable

    def all_are(self, *statuses: str) -> bool:
        """The query did not fail, there is an entry, and every entry is in one of these statuses."""
        return (
            self.failure is None and bool(self.entries) and all(entry["status"] in statuses for entry in self.entries)
        )


_NOTHING = "The query returned nothing"
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
    answers = _of_value(value, kind)
    if answers is None:
        noun = kind.key.replace("_", " ")
        raise AnsibleFilterError(
            f"{plugin} takes a registered result of {kind.module}, {'an' if noun[0] in 'aeiou' else 'a'} {noun} or a "
            f"list of {noun}s, but was given {_describe(value, kind)}"
        )
    if not takes_listing and _has_listing(value, kind):
        raise AnsibleFilterError(
            f"{plugin} was given a listing of the account, which is not a gate: the task has neither {kind.key}_id nor "
            f"{kind.key}_ids. Give the IDs, or test the result's {kind.list_key} if you mean the listing"
        )
    return answers


def _of_value(value: object, kind: Kind) -> list[Answer] | None:
    """Return None for an unreadable or ambiguous value. So do the functions below."""
    if isinstance(value, Mapping):
        if _is_bare_entry(value, kind):
            return [Answer([value])]
        return _of_result(value, kind) if _is_result(value) else None
    return [Answer(value)] if _is_list(value) and all(_is_bare_entry(element, kind) for element in value) else None


def _of_result(result: Mapping[str, t.Any], kind: Kind) -> list[Answer] | None:
    # The result of the gate has both lists.
    if (_LIST_KEYS - {kind.list_key}) & result.keys() and "open" not in result:
        return None
    entries, error = result.get(kind.list_key), result.get("error")
    if "results" in result:
        return None if entries is not None or error is not None else _of_loop(result, kind)
    if result.get("skipped"):
        return [_SKIPPED]
    message = result.get("msg")
    if result.get("unreachable"):
        return [_failure(message or "The host that runs the query is unreachable")]
    if isinstance(error, Mapping):
        if entries is not None and not (_is_list(entries) and all(map(_is_entry, entries))):
            return None
        failure = Failure(
            str(message or error.get("message") or _NOTHING),
            http_status=error.get("http_status"),
            code=error.get("code"),
            retryable=error.get("retryable") is True,
        )
        return [Answer(entries or [], failure)]
    if error is not None or entries is None:
        # Wrong arguments or a crash: the wait ends, so that the task's own message is shown.
        return [_failure(message)]
    return [Answer(entries)] if _is_list(entries) and all(map(_is_entry, entries)) else None


def _of_loop(result: Mapping[str, t.Any], kind: Kind) -> list[Answer] | None:
    items = result["results"]
    if not _is_list(items):
        return None
    answers: list[Answer] = []
    for item in items:
        if not isinstance(item, Mapping) or not _is_result(item):
            return None
        of_item = _of_result(item, kind)
        if of_item is None:
            return None
        answers += of_item
    if not answers:
        return [Answer([])]
    # ansible-core sets this when every item was skipped, and must not be overruled.
    if result.get("skipped"):
        answers.append(_SKIPPED)
    return answers


def _failure(message: object) -> Answer:
    return Answer([], Failure(str(message or _NOTHING)))


def _has_listing(value: object, kind: Kind) -> bool:
    if not isinstance(value, Mapping) or _is_bare_entry(value, kind) or not _is_result(value):
        return False
    items = value.get("results")
    return bool(value.get("listed")) or (_is_list(items) and any(_has_listing(item, kind) for item in items))


def _is_result(value: Mapping[str, t.Any]) -> bool:
    return bool(_RESULT_KEYS & value.keys()) or (not _is_entry(value) and bool(_OTHER_RESULT_KEYS & value.keys()))


def _is_entry(value: object) -> t.TypeGuard[Mapping[str, t.Any]]:
    return isinstance(value, Mapping) and isinstance(value.get("status", 0), (str, type(None)))


def _is_bare_entry(value: object, kind: Kind) -> bool:
    """
    Return whether a value is an entry, and not a result with its own status, such as one of another module.

    The API may add keys that results have, too. The value is still an entry if it has all keys that the module gives to
    an entry, and nothing of another query's result. A playbook may have combined the two.
    """
    if not _is_entry(value):
        return False
    if not (_RESULT_KEYS | _LIST_KEYS | {"results"}) & value.keys():
        return True
    return (
        kind.fields <= value.keys()
        and not {kind.list_key, "results"} & value.keys()
        and not any(value.get(key) for key in ("failed", "skipped", "unreachable", "listed", "error"))
    )


def _is_list(value: object) -> t.TypeGuard[Sequence[t.Any]]:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))


def _describe(value: object, kind: Kind) -> str:
    """Return the type of a value, with the keys of a mapping, or the first element of a list that is not an entry."""
    if _is_list(value):
        odd = [element for element in value if not _is_bare_entry(element, kind)][:1]
        return " that has ".join([_type_name(value), *(_type_name(element) for element in odd)])
    return _type_name(value)


def _type_name(value: object) -> str:
    # ansible-core's own types are named after their base.
    base = next(base for base in type(value).__mro__ if base.__module__ == "builtins")
    name = (type(value) if base is object else base).__name__
    if not isinstance(value, Mapping):
        return name
    return f"{name} with the keys {', '.join(sorted(map(str, value)))}" if value else f"empty {name}"
