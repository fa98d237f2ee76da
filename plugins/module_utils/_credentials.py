# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Finds a credential: in the options, else in the environment, else in the file of the vendor's SDK."""

from __future__ import annotations

import os
import stat
import typing as t

from ._auth import Auth, SignatureAuth, TokenAuth, check_header_value
from ._errors import THE_API, CloudPondError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The environment variables of each credential: those of the vendor's Terraform provider, and of its SDK.
CREDENTIAL_VARIABLES = {
    "access_key": ("HW_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"),
    "secret_key": ("HW_SECRET_KEY", "HUAWEICLOUD_SDK_SK"),
    "security_token": ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
}
TOKEN_VARIABLE = "HW_AUTH_TOKEN"
DOMAIN_VARIABLES = ("HW_DOMAIN_ID", "HUAWEICLOUD_SDK_DOMAIN_ID")

#: Names a file in place of the default one.
FILE_VARIABLE = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
DEFAULT_FILE = "~/.huaweicloud/credentials"
#: The section for global services, and its keys.
FILE_SECTION = "global"
FILE_KEYS = {"access_key": "ak", "secret_key": "sk", "security_token": "security_token"}
FILE_DOMAIN_KEY = "domain_id"


#: Bytes. A credentials file is far smaller.
_FILE_SIZE_MAX = 1024 * 1024


class _Source(t.NamedTuple):
    """A place that can contain credentials."""

    #: The name of the place in errors.
    label: str
    #: The place's names for access_key, secret_key, security_token and auth_token. It may lack some.
    names: Mapping[str, str]
    #: The values in the place, by option.
    values: Mapping[str, str]
    #: Follows a name in errors about its value, if the name alone does not identify the place.
    where: str = ""


def find_credential(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> Auth:
    """
    Find the credential: in the options, else in the environment, else in the SDK's file. In each, a key comes before a
    token.

    The parts of a key are never combined from two sources, or from the variables of two families. A request signed with
    the secret of another key would count as a failed authentication.

    :param options: The options that were given: ``access_key``, ``secret_key``, ``security_token`` and ``auth_token``.
        One that is None counts as left out; others are ignored.
    :param environ: Environment variables. An empty one counts as not set.
    :raises CloudPondError: if there is none, if half of a key is missing, or if both kinds are given as options.
    """
    for source in _sources(options, environ):
        keys = [name for name in CREDENTIAL_VARIABLES if name in source.values]
        token = "auth_token" in source.values
        if keys and token:
            raise CloudPondError(
                THE_API,
                f"auth_token and {' and '.join(keys)} can't be given together: choose one kind of credential",
            )
        missing = [name for name in ("access_key", "secret_key") if name not in keys]
        if keys and missing:
            lack = " and ".join(source.names[name] for name in missing)
            have = " and ".join(source.names[name] for name in keys)
            raise CloudPondError(THE_API, f"{lack} must be given in {source.label} too, along with {have}")
        # A malformed credential is an error, and is never replaced by one from the next source.
        for name, value in source.values.items():
            check_header_value(f"{source.names[name]}{source.where}", value)
        if keys:
            return SignatureAuth(**source.values)
        if token:
            return TokenAuth(source.values["auth_token"])
    raise _nothing(environ)


def find_domain_id(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> tuple[str, str]:
    """
    :param options: The options that were given. Only ``domain_id`` counts.
    :return: The name of the source for errors, and the account's ID.
    :raises CloudPondError: if there is none, or if the SDK's file can't be read.
    """
    if options.get("domain_id") is not None:
        return "domain_id", options["domain_id"]
    for variable in DOMAIN_VARIABLES:
        if environ.get(variable):
            return variable, environ[variable]
    in_file = _read_file(environ).get(FILE_DOMAIN_KEY)
    if not in_file:
        raise CloudPondError(
            THE_API,
            f"no domain_id: give the option, or set {' or '.join(DOMAIN_VARIABLES)} in the environment of the host "
            f"where this runs, or write {FILE_DOMAIN_KEY} under [{FILE_SECTION}] into {_file_path(environ)}",
        )
    return f"{FILE_DOMAIN_KEY} in {_file_path(environ)}", in_file


def _sources(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> Iterator[_Source]:
    names = {name: name for name in (*CREDENTIAL_VARIABLES, "auth_token")}
    yield _Source("the options", names, {name: options[name] for name in names if options.get(name) is not None})
    families = [dict(zip(CREDENTIAL_VARIABLES, family)) for family in zip(*CREDENTIAL_VARIABLES.values())]
    for names in [*families, {"auth_token": TOKEN_VARIABLE}]:
        yield _Source("the environment", names, _present(names, environ))
    path = _file_path(environ)
    yield _Source(path, FILE_KEYS, _present(FILE_KEYS, _read_file(environ)), where=f" in {path}")


def _present(names: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {name: values[key] for name, key in names.items() if values.get(key)}


def _file_path(environ: Mapping[str, str]) -> str:
    return os.path.expanduser(environ.get(FILE_VARIABLE) or DEFAULT_FILE)


def _read_file(environ: Mapping[str, str]) -> dict[str, str]:
    # Imported here, because most calls don't need the file.
    import configparser

    path = _file_path(environ)
    named = f"{FILE_VARIABLE} names {path!r}, which" if environ.get(FILE_VARIABLE) else repr(path)
    parser = configparser.RawConfigParser()
    try:
        # Opening a pipe or reading a device could block forever.
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _FILE_SIZE_MAX:
            raise CloudPondError(THE_API, f"{named} is not a credentials file of the vendor's SDK")
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (FileNotFoundError, NotADirectoryError) as error:
        if environ.get(FILE_VARIABLE):
            raise CloudPondError(THE_API, f"{FILE_VARIABLE} names {path!r}, which does not exist") from error
        return {}
    except OSError as error:
        raise CloudPondError(THE_API, f"{named} can't be read: {error.strerror}") from error
    except (configparser.Error, ValueError):
        # Their text may contain a line of the file, and thus a secret. Even as a cause, it could be shown.
        raise CloudPondError(THE_API, f"{named} is not a credentials file of the vendor's SDK") from None
    return dict(parser[FILE_SECTION]) if parser.has_section(FILE_SECTION) else {}


def _nothing(environ: Mapping[str, str]) -> CloudPondError:
    variables = " and ".join(CREDENTIAL_VARIABLES[name][0] for name in ("access_key", "secret_key"))
    of_sdk = " and ".join(CREDENTIAL_VARIABLES[name][1] for name in ("access_key", "secret_key"))
    in_file = " and ".join(FILE_KEYS[name] for name in ("access_key", "secret_key"))
    return CloudPondError(
        THE_API,
        "no credential: give the options access_key and secret_key, or auth_token; "
        f"or set {variables}, or {of_sdk}, or {TOKEN_VARIABLE} in the environment of the host where this runs; "
        f"or write {in_file} under [{FILE_SECTION}] into {_file_path(environ)}",
    )
