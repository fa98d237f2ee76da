# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import typing as t
from unittest import mock

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._auth import TokenAuth
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._credentials import find_credential
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._settings import Sources, find_settings

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._auth import Auth

HW = {"HW_ACCESS_KEY": "hw-ak", "HW_SECRET_KEY": "hw-secret"}
SDK = {"HUAWEICLOUD_SDK_AK": "sdk-ak", "HUAWEICLOUD_SDK_SK": "sdk-secret"}
FILE = "[basic]\nak = wrong\n[global]\nak = file-ak\nsk = file%%secret\n"


def find(**options: str | None) -> Auth:
    return find_credential(Sources(options, os.environ))


def failure(**options: str | None) -> str:
    with pytest.raises(CloudPondError) as caught:
        find(**options)
    message = str(caught.value)
    assert message.startswith("Cannot query the CloudPond API: ")
    assert "secret" not in message.replace("secret_key", "")
    assert not caught.value.retryable
    return message


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., None]:
    def set_all(*groups: dict[str, str]) -> None:
        for name, value in (item for group in groups for item in group.items()):
            monkeypatch.setenv(name, value)

    return set_all


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The default file, whose home directory is that of each test."""
    file = tmp_path / ".huaweicloud" / "credentials"
    file.parent.mkdir()
    return file


def test_options_beat_the_environment_and_that_beats_the_file(environment: t.Callable[..., None], path: Path) -> None:
    environment(HW, SDK, {"HW_AUTH_TOKEN": "env-secret"})
    path.write_text(f"{FILE}security_token = file-token\n")
    assert find(auth_token="opt-secret").secrets == ("opt-secret",)
    assert find(access_key="ak", secret_key="opt-secret", security_token="st").secrets == ("opt-secret", "st")
    assert find().secrets == ("hw-secret",)
    # An empty variable is not there.
    environment(dict.fromkeys(HW, ""))
    assert find().secrets == ("sdk-secret",)
    environment(dict.fromkeys(SDK, ""))
    assert isinstance(find(), TokenAuth)
    environment({"HW_AUTH_TOKEN": ""})
    assert find().secrets == ("file%%secret", "file-token")


def test_a_security_token_belongs_to_the_keys_of_its_family(environment: t.Callable[..., None]) -> None:
    environment(HW, SDK, {"HUAWEICLOUD_SDK_SECURITY_TOKEN": "sdk-token"})
    assert find().secrets == ("hw-secret",)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"HW_ACCESS_KEY": "a"}, "HW_SECRET_KEY must be given in the environment too, along with HW_ACCESS_KEY"),
        ({"HW_SECRET_KEY": "a", **SDK}, "HW_ACCESS_KEY must be given in the environment too, along with HW_SECRET_KEY"),
        ({"HW_SECURITY_TOKEN": "a"}, "HW_ACCESS_KEY and HW_SECRET_KEY must be given in the environment too"),
        # A value that is refused is named by its place.
        ({"HW_AUTH_TOKEN": "my-secret\n"}, "HW_AUTH_TOKEN must be one line"),
        ({"HUAWEICLOUD_SDK_AK": "a", "HUAWEICLOUD_SDK_SK": "my secret"}, "HUAWEICLOUD_SDK_SK must be one line"),
    ],
)
def test_variables_that_are_refused(
    environment: t.Callable[..., None], variables: dict[str, str], message: str
) -> None:
    environment(variables)
    assert message in failure()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"access_key": "a"}, "secret_key must be given in the options too, along with access_key"),
        ({"security_token": "a"}, "access_key and secret_key must be given in the options too, along with security_t"),
        ({"access_key": "a", "security_token": "b"}, "too, along with access_key and security_token"),
        ({"access_key": "a", "secret_key": ""}, "secret_key must be one line"),
        ({"auth_token": ""}, "auth_token must be one line"),
        ({"auth_token": "a", "access_key": "a"}, "auth_token and access_key can't be given together"),
    ],
)
def test_options_that_are_refused(environment: t.Callable[..., None], options: dict[str, str], message: str) -> None:
    environment(HW, {"HW_AUTH_TOKEN": "token"})
    assert message in failure(**options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[global]\nak = a\n", "sk must be given in PATH too, along with ak"),
        (b"[global]\nak = a\nsk = b\n  c\n", "sk in PATH must be one line"),
        (b"sk = my-secret\n", "'PATH' is not a credentials file"),
        (b"[global\nsk = my-secret\n", "'PATH' is not a credentials file"),
        (b"[global]\nmy-secret\n", "'PATH' is not a credentials file"),
        (b"[global]\nsk = \xff\n", "'PATH' is not a credentials file"),
        (b"[global]\n" + b"# much\n" * 200_000, "'PATH' is not a credentials file"),
    ],
)
def test_files_that_are_refused(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(CloudPondError, match=re.escape(message.replace("PATH", str(path)))) as caught:
        find()
    # A cause could show a line of the file.
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_directory_or_a_pipe_is_no_file(path: Path, make: t.Callable[[Path], None]) -> None:
    # Opened, a pipe would wait for somebody to write.
    make(path)
    assert f"{str(path)!r} is not a credentials file" in failure()


def test_a_file_that_may_not_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(FILE)
    # Permissions do not hold for root, as whom tests may run.
    monkeypatch.setattr("builtins.open", mock.Mock(side_effect=PermissionError(13, "Permission denied")))
    assert f"{str(path)!r} can't be read: Permission denied" in failure()


def test_another_file(environment: t.Callable[..., None], tmp_path: Path) -> None:
    environment({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(tmp_path / "other")})
    assert "HUAWEICLOUD_SDK_CREDENTIALS_FILE names" in failure()
    (tmp_path / "other").write_text(FILE)
    assert find().secrets == ("file%%secret",)


def test_nothing_at_all(path: Path) -> None:
    path.write_text("[basic]\nak = a\nsk = b\n")
    with pytest.raises(CloudPondError) as caught:
        find()
    assert str(caught.value) == (
        "Cannot query the CloudPond API: no credential: give the options access_key and secret_key, or auth_token; "
        "or set HW_ACCESS_KEY and HW_SECRET_KEY, or HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or HW_AUTH_TOKEN in the "
        f"environment of the host where this runs; or write ak and sk under [global] into {path}"
    )


def test_the_domain_id(environment: t.Callable[..., None], path: Path) -> None:
    def find_domain_id() -> str:
        try:
            return str(Sources({}, os.environ).setting("domain_id"))
        except CloudPondError as error:
            return str(error)

    assert find_domain_id().startswith(
        "Cannot query the CloudPond API: no domain_id: give the option, or set HW_DOMAIN_ID or HUAWEICLOUD_SDK"
    )
    path.write_text("[global]\ndomain_id = file domain\n")
    assert f": domain_id in {path} must be made of" in find_domain_id()
    path.write_text("[global]\ndomain_id = file-domain\n")
    assert find_domain_id() == "file-domain"
    environment({"HW_DOMAIN_ID": "", "HUAWEICLOUD_SDK_DOMAIN_ID": "sdk-domain"})
    assert find_domain_id() == "sdk-domain"
    environment({"HW_DOMAIN_ID": "hw domain"})
    assert ": HW_DOMAIN_ID must be made of" in find_domain_id()


def test_the_file_is_read_once_and_only_if_it_is_needed(path: Path) -> None:
    path.write_text(f"{FILE}domain_id = file-domain\n")
    sources = Sources({}, {"HOME": str(path.parents[1])})
    assert find_settings(sources).domain_id == "file-domain"
    path.unlink()
    assert find_credential(sources).secrets == ("file%%secret",)
    path.mkdir()
    assert find(auth_token="opt-secret").secrets == ("opt-secret",)


def test_the_home_directory_is_that_of_the_environment_that_is_given(tmp_path: Path) -> None:
    home = tmp_path / "another"
    home.mkdir()
    (home / "file").write_text(FILE)
    environ = {"HOME": str(home), "HUAWEICLOUD_SDK_CREDENTIALS_FILE": "~/file"}
    assert find_credential(Sources({}, environ)).secrets == ("file%%secret",)
