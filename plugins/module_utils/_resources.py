# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Queries entries that the API shows by ID and in lists, such as delivery orders."""

from __future__ import annotations

import typing as t

from ._errors import CloudPondError
from ._paging import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, pages
from ._settings import SEGMENT_RULE, is_valid_id

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ._client import ApiAnswer, Client
    from ._specification import Fields

Entry = dict[str, t.Any]

#: From this number of IDs on, the account's entries are listed first. Measured: where a request takes 30 ms, a page of
#: 2,000 orders takes as long as four requests by ID, and a page of 500 as long as two.
LISTING_FROM = 5

#: At most one page of that listing is read for this number of IDs. More pages would cost more requests than they save.
IDS_A_PAGE = 20


class Resource(t.NamedTuple):
    """
    A kind of entry of the API.

    An entry is a dictionary. It has all keys of the specification, with None for a key that the API left out, and any
    key that the API adds.
    """

    #: The path is ``/{version}/{domain_id}/{path}``, followed by the ID for one entry.
    version: str
    path: str
    #: The key of one entry in an answer, such as ``delivery_order``, and of a list. In messages, "_" is a space.
    key: str
    list_key: str
    fields: Fields

    def query(
        self, client: Client, options: Mapping[str, t.Any], filters: Mapping[str, Sequence[str]]
    ) -> dict[str, t.Any]:
        """
        Query one entry, many, or a listing of the account, depending on the options.

        :param options: The IDs, as ``{key}_id``, else ``{key}_ids``, else ``page_size``. One that is None counts as
            left out.
        :param filters: As for list_all.
        :return: The list key with a list of entries, ``listed`` (bool: they come from a listing) and, for one ID, the
            key with the entry.
        :raises CloudPondError: if the query fails.
        """
        one, many = options.get(f"{self.key}_id"), options.get(f"{self.key}_ids")
        if one is not None:
            entry = self.show(client, one)
            return {"listed": False, self.key: entry, self.list_key: [entry]}
        if many is not None:
            return {"listed": False, self.list_key: self.show_many(client, many)}
        page_size = PAGE_SIZE_DEFAULT if options.get("page_size") is None else options["page_size"]
        return {"listed": True, self.list_key: list(self.list_all(client, filters, page_size))}

    def show(self, client: Client, entry_id: str) -> Entry:
        """
        Query one entry.

        :param entry_id: Its ID: letters, digits, ``-`` and ``_``.
        :raises CloudPondError: if the query fails, or if the answer is about another entry.
        """
        answer = client.get(self.version, self.path, entry_id, subject=f"{self.noun} {entry_id!r}")
        entry = self._read(answer, answer.data.get(self.key))
        if entry["id"] != entry_id:
            raise answer.error(f"the answer is about another {self.noun.split()[-1]}, {entry['id']!r}")
        return entry

    def show_many(self, client: Client, entry_ids: Sequence[str]) -> list[Entry]:
        """
        Query many entries. A repeated ID is queried once.

        From LISTING_FROM IDs on, a listing of the account comes first. Entries that it lacks are queried by ID.

        :return: The entries, one for each ID, in the order of the IDs.
        :raises CloudPondError: if an ID is malformed (before any request); for missing entries, naming all of them; or
            for the first other failure, after which nothing more is asked. The facts about missing entries are
            ``missing``, their IDs, and the list key with the entries that were found.
        """
        unique = list(dict.fromkeys(entry_ids))
        for entry_id in unique:
            client.check_id(entry_id, subject=self._all)
        entries = self._find_in_listing(client, unique) if len(unique) >= LISTING_FROM else {}
        missing: dict[str, CloudPondError] = {}
        for entry_id in unique:
            if entry_id not in entries:
                try:
                    entries[entry_id] = self.show(client, entry_id)
                except CloudPondError as error:
                    if not _is_missing(error):
                        raise
                    missing[entry_id] = error
        if missing:
            raise _all_missing(missing, {self.list_key: [entries[each] for each in entry_ids if each in entries]})
        return [entries[entry_id] for entry_id in entry_ids]

    def list_all(
        self, client: Client, filters: Mapping[str, Sequence[str]], page_size: int = PAGE_SIZE_DEFAULT
    ) -> Iterator[Entry]:
        """
        Query all entries of the account, page by page.

        :param filters: The values to keep, by their key. A key without values does not filter.
        :param page_size: Entries per page, 1 to PAGE_SIZE_MAX.
        :return: The entries, in the API's order.
        :raises CloudPondError: if the query of a page fails, or if a page differs from the specification.
        """
        filters = {key: values for key, values in filters.items() if values}
        for entries in self._list_pages(client, filters, page_size):
            # Assumed: the API takes several values as a repeated key. If it ignores them, it lists all entries, so they
            # are filtered here.
            yield from (entry for entry in entries if all(entry[key] in values for key, values in filters.items()))

    @property
    def noun(self) -> str:
        """The entry as it reads in a message."""
        return self.key.replace("_", " ")

    @property
    def _all(self) -> str:
        return f"the {self.list_key.replace('_', ' ')}"

    def _list_pages(
        self, client: Client, filters: Mapping[str, Sequence[str]], page_size: int
    ) -> Iterator[list[Entry]]:
        query = [(key, value) for key, values in filters.items() for value in values]
        for page in pages(
            client, self.version, self.path, key=self.list_key, subject=self._all, page_size=page_size, query=query
        ):
            entries = [self._read(page.answer, entry) for entry in page.entries]
            if not all(entry["id"] for entry in entries):
                raise page.answer.error(f"one {self.noun} in the answer has no ID")
            # The IDs of a listing must be safe to use: an unchecked one could be a template, or a path.
            if not all(is_valid_id(entry["id"]) for entry in entries):
                raise page.answer.error(f"the ID of one {self.noun} in the answer {SEGMENT_RULE}")
            yield entries

    def _find_in_listing(self, client: Client, entry_ids: Sequence[str]) -> dict[str, Entry]:
        """
        Return the entries that are on the first pages of a listing, by their IDs. If the listing fails, return none.

        :raises CloudPondError: if the API or a proxy refuses the credential, since going on could lock a key, and for
            any other failure that more requests can't change.
        """
        missing = set(entry_ids)
        found: dict[str, Entry] = {}
        try:
            for number, entries in enumerate(self._list_pages(client, {}, PAGE_SIZE_MAX), 1):
                for entry in entries:
                    if entry["id"] in missing:
                        missing.remove(entry["id"])
                        found[entry["id"]] = entry
                    elif entry["id"] in found and found[entry["id"]] != entry:
                        # It changed between two pages. A query by ID decides.
                        del found[entry["id"]]
                if not missing or number >= len(entry_ids) // IDS_A_PAGE:
                    break
        except CloudPondError as error:
            if error.http_status == 401 or (error.http_status is None and not error.retryable):
                raise
            return {}
        return found

    def _read(self, answer: ApiAnswer, data: t.Any) -> Entry:
        if not isinstance(data, dict):
            raise answer.error(f"the answer has no {self.noun} in it")
        return self._complete(answer, data, self.fields)

    def _complete(self, answer: ApiAnswer, data: Entry, fields: Fields) -> Entry:
        entry: Entry = {**dict.fromkeys(fields), **data}
        for field, inner in fields.items():
            value: t.Any = entry[field]
            if value is None:
                continue
            if not isinstance(value, str if inner is None else dict):
                kind = "a string" if inner is None else "an object"
                raise answer.error(f"the {field} of the {self.noun} in the answer is not {kind}")
            if inner is not None:
                entry[field] = self._complete(answer, t.cast("Entry", value), inner)
        return entry


def _is_missing(error: CloudPondError) -> bool:
    return error.http_status == 404 and not error.is_no_such_api


def _all_missing(errors: Mapping[str, CloudPondError], found: Mapping[str, list[Entry]]) -> CloudPondError:
    first = next(iter(errors.values()))
    return CloudPondError(
        " and ".join(error.subject for error in errors.values()),
        first.message,
        http_status=first.http_status,
        code=first.code,
        request_id=first.request_id,
        facts={"missing": list(errors), **found},
    )
