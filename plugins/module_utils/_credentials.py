# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Where a credential comes from: the options, else the environment, else the file of the vendor's SDK."""

from __future__ import annotations

import os
import typing as t

from ._auth import Auth, SignatureAuth, TokenAuth
from ._errors import CloudPondError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

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

_ASKED = "the CloudPond API"


def find_credential(options: Mapping[str, str | None]) -> Auth:
    """
    Find the credential: in the options, else in the environment, else in the SDK's file; in each, keys before a token.

    What belongs together is never put together from two sources, nor from the variables of two families: a key
    signed with another key's secret would count as a failed authentication.

    :param options: ``access_key``, ``secret_key``, ``security_token`` and ``auth_token``, each None when not given.
    :raises CloudPondError: if there is none, if half of one is missing, or if both kinds are given as options.
    """
    names = {name: name for name in CREDENTIAL_VARIABLES}
    given = {name: value for name in names if (value := options[name]) is not None}
    token = options["auth_token"]
    if given and token is not None:
        raise CloudPondError(_ASKED, f"auth_token and {' and '.join(given)} exclude each other: give one kind")
    auth = _keys(given, names, "the options") or (TokenAuth(token) if token is not None else None)
    return auth or _from_environment() or _from_file() or _nothing()


def find_domain_id() -> str | None:
    """
    :return: The account's ID from the environment, else from the SDK's file; None when it is in neither.
    :raises CloudPondError: if the file can't be read.
    """
    return next(filter(None, map(os.environ.get, DOMAIN_VARIABLES)), None) or _read_file().get(FILE_DOMAIN_KEY)


def _from_environment() -> Auth | None:
    for family in zip(*CREDENTIAL_VARIABLES.values()):
        names = dict(zip(CREDENTIAL_VARIABLES, family))
        auth = _keys(_present(os.environ, names), names, "the environment")
        if auth:
            return auth
    token = os.environ.get(TOKEN_VARIABLE)
    return TokenAuth(token) if token else None


def _from_file() -> Auth | None:
    return _keys(_present(_read_file(), FILE_KEYS), FILE_KEYS, _file_path())


def _present(source: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {name: source[key] for name, key in names.items() if source.get(key)}


def _keys(present: Mapping[str, str], names: Mapping[str, str], source: str) -> SignatureAuth | None:
    """Make a signer of the keys of one source, unless it has none of them."""
    if not present:
        return None
    missing = [names[name] for name in ("access_key", "secret_key") if name not in present]
    if missing:
        have = " and ".join(names[name] for name in present)
        raise CloudPondError(_ASKED, f"{' and '.join(missing)} must be given in {source} too, beside {have}")
    return SignatureAuth(**present)


def _file_path() -> str:
    return os.path.expanduser(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)


def _read_file() -> dict[str, str]:
    # Here, since most calls come without the file, and pay for what they import.
    import configparser

    path = _file_path()
    parser = configparser.RawConfigParser()
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError as error:
        if os.environ.get(FILE_VARIABLE):
            raise CloudPondError(_ASKED, f"{FILE_VARIABLE} names {path!r}, which does not exist") from error
        return {}
    except OSError as error:
        raise CloudPondError(_ASKED, f"{path!r} can't be read: {error.strerror}") from error
    except (configparser.Error, UnicodeDecodeError):
        # What these say may hold a line of the file, and with it a secret: also as the cause of another error.
        raise CloudPondError(_ASKED, f"{path!r} is not a credentials file of the vendor's SDK") from None
    return dict(parser[FILE_SECTION]) if parser.has_section(FILE_SECTION) else {}


def _nothing() -> t.NoReturn:
    variables = " and ".join(CREDENTIAL_VARIABLES[name][0] for name in ("access_key", "secret_key"))
    of_sdk = " and ".join(CREDENTIAL_VARIABLES[name][1] for name in ("access_key", "secret_key"))
    in_file = " and ".join(FILE_KEYS[name] for name in ("access_key", "secret_key"))
    raise CloudPondError(
        _ASKED,
        "no credential: give the options access_key and secret_key, or auth_token; "
        f"or set {variables}, or {of_sdk}, or {TOKEN_VARIABLE} in the environment of the host where this runs; "
        f"or write {in_file} under [{FILE_SECTION}] into {_file_path()}",
    )
