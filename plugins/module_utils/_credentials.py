# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Finds a credential: in the options, else in the environment, else in the file of the vendor's SDK."""

from __future__ import annotations

import typing as t

from ._auth import Auth, SignatureAuth, TokenAuth
from ._errors import THE_API, CloudPondError
from ._settings import FILE_SECTION, OPTIONS

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._settings import Sources

_KEY = ("access_key", "secret_key", "security_token")
_TOKEN = "auth_token"


class _Place(t.NamedTuple):
    """A place that can contain credentials."""

    #: The name of the place in errors.
    label: str
    #: The place's names for the parts of a key and for a token. It may lack some.
    names: Mapping[str, str]
    #: The values in the place, by the names of the options.
    values: Mapping[str, str]
    #: Follows a name in errors about its value, if the name alone does not identify the place.
    where: str = ""


def find_credential(sources: Sources) -> Auth:
    """
    Find the credential in the first place that has one. In each place, a key comes before a token.

    The parts of a key are never combined from two places, or from the variables of two families. A request signed with
    the secret of another key would count as a failed authentication.

    :raises CloudPondError: if there is none, if half of a key is missing, or if both kinds are given as options.
    """
    for place in _places(sources):
        keys = [name for name in _KEY if name in place.values]
        if keys and _TOKEN in place.values:
            raise CloudPondError(
                THE_API,
                f"auth_token and {' and '.join(keys)} can't be given together: choose one kind of credential",
            )
        missing = [name for name in ("access_key", "secret_key") if name not in keys]
        if keys and missing:
            lack = " and ".join(place.names[name] for name in missing)
            have = " and ".join(place.names[name] for name in keys)
            raise CloudPondError(THE_API, f"{lack} must be given in {place.label} too, along with {have}")
        # A malformed credential is an error, and is never replaced by one from the next place.
        for name, value in place.values.items():
            OPTIONS[name].check(f"{place.names[name]}{place.where}", value)
        if place.values:
            return SignatureAuth(**place.values) if keys else TokenAuth(place.values[_TOKEN])
    raise _nothing(sources)


def _places(sources: Sources) -> Iterator[_Place]:
    names = {name: name for name in (*_KEY, _TOKEN)}
    yield _Place("the options", names, {name: sources.given[name] for name in names if name in sources.given})
    for names in _families():
        yield _Place("the environment", names, _present(names, sources.environ))
    names = {name: OPTIONS[name].file_key for name in _KEY}
    yield _Place(sources.file_path, names, _present(names, sources.file), where=f" in {sources.file_path}")


def _families() -> list[dict[str, str]]:
    """Return the variables that belong together."""
    keys = zip(*(OPTIONS[name].variables for name in _KEY))
    return [*(dict(zip(_KEY, family)) for family in keys), *({_TOKEN: name} for name in OPTIONS[_TOKEN].variables)]


def _present(names: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {name: values[key] for name, key in names.items() if values.get(key)}


def _nothing(sources: Sources) -> CloudPondError:
    variables = ", or ".join(" and ".join(list(family.values())[:2]) for family in _families())
    in_file = " and ".join(OPTIONS[name].file_key for name in _KEY[:2])
    return CloudPondError(
        THE_API,
        "no credential: give the options access_key and secret_key, or auth_token; "
        f"or set {variables} in the environment of the host where this runs; "
        f"or write {in_file} under [{FILE_SECTION}] into {sources.file_path}",
    )
