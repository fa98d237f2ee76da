# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._auth import SignatureAuth, TokenAuth
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
        for group in groups:
            for name, value in group.items():
                monkeypatch.setenv(name, value)

    return set_all


@pytest.fixture
def credentials_file(tmp_path: Path) -> t.Callable[[str], Path]:
    def write(content: str) -> Path:
        path = tmp_path / ".huaweicloud" / "credentials"
        path.parent.mkdir()
        path.write_text(content)
        return path

    return write


def test_options_beat_the_environment_and_that_beats_the_file(
    environment: t.Callable[..., None], credentials_file: t.Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(HW, SDK, {"HW_AUTH_TOKEN": "env-secret"})
    credentials_file(FILE)
    assert find(auth_token="opt-secret").secrets == ("opt-secret",)
    assert find(access_key="ak", secret_key="opt-secret", security_token="st").secrets == ("opt-secret", "st")
    assert find().secrets == ("hw-secret",)
    monkeypatch.delenv("HW_ACCESS_KEY")
    monkeypatch.delenv("HW_SECRET_KEY")
    assert find().secrets == ("sdk-secret",)
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK")
    assert isinstance(find(), TokenAuth)
    monkeypatch.delenv("HW_AUTH_TOKEN")
    assert find().secrets == ("file%%secret",)


def test_a_security_token_belongs_to_the_keys_of_its_family(environment: t.Callable[..., None]) -> None:
    environment(HW, SDK, {"HUAWEICLOUD_SDK_SECURITY_TOKEN": "sdk-token"})
    assert find().secrets == ("hw-secret",)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"HW_ACCESS_KEY": "a"}, "HW_SECRET_KEY must be given in the environment too, along with HW_ACCESS_KEY"),
        ({"HW_SECRET_KEY": "a", **SDK}, "HW_ACCESS_KEY must be given in the environment too, along with HW_SECRET_KEY"),
        ({"HUAWEICLOUD_SDK_SK": "a"}, "HUAWEICLOUD_SDK_AK must be given in the environment too"),
        ({"HW_SECURITY_TOKEN": "a"}, "HW_ACCESS_KEY and HW_SECRET_KEY must be given in the environment too"),
    ],
)
def test_half_a_pair_in_the_environment(
    environment: t.Callable[..., None], variables: dict[str, str], message: str
) -> None:
    environment(variables)
    assert message in failure()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"access_key": "a"}, "secret_key must be given in the options too, along with access_key"),
        ({"secret_key": "a"}, "access_key must be given in the options too, along with secret_key"),
        (
            {"security_token": "a"},
            "access_key and secret_key must be given in the options too, along with security_token",
        ),
        ({"access_key": "a", "security_token": "b"}, "too, along with access_key and security_token"),
        ({"access_key": "a", "secret_key": ""}, "secret_key must be one line"),
        ({"auth_token": ""}, "auth_token must be one line"),
        ({"auth_token": "a", "access_key": "a"}, "auth_token and access_key can't be given together"),
        (
            {"auth_token": "a", "access_key": "a", "secret_key": "b"},
            "auth_token and access_key and secret_key can't be given together",
        ),
    ],
)
def test_options_that_do_not_go_together(
    environment: t.Callable[..., None], options: dict[str, str], message: str
) -> None:
    environment(HW, {"HW_AUTH_TOKEN": "token"})
    assert message in failure(**options)


def test_a_variable_that_is_empty_is_not_there(environment: t.Callable[..., None]) -> None:
    environment({"HW_ACCESS_KEY": "", "HW_SECRET_KEY": ""}, SDK)
    assert find().secrets == ("sdk-secret",)


def test_half_a_pair_in_the_file(credentials_file: t.Callable[[str], Path]) -> None:
    path = credentials_file("[global]\nak = a\n")
    assert f"sk must be given in {path} too, along with ak" in failure()


def test_temporary_keys_in_the_file(credentials_file: t.Callable[[str], Path]) -> None:
    credentials_file(f"{FILE}security_token = file-token\n")
    auth = find()
    assert isinstance(auth, SignatureAuth)
    assert auth.secrets == ("file%%secret", "file-token")


@pytest.mark.parametrize("content", ["sk = my-secret\n", "[global\nsk = my-secret\n", "[global]\nmy-secret\n"])
def test_a_file_that_cannot_be_parsed_is_not_repeated(credentials_file: t.Callable[[str], Path], content: str) -> None:
    path = credentials_file(content)
    with pytest.raises(CloudPondError) as caught:
        find()
    assert f"{str(path)!r} is not a credentials file" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_file_that_is_not_text(credentials_file: t.Callable[[str], Path]) -> None:
    credentials_file("").write_bytes(b"[global]\nsk = \xff\n")
    assert "is not a credentials file" in failure()


def test_a_file_that_is_none(credentials_file: t.Callable[[str], Path]) -> None:
    path = credentials_file("")
    path.unlink()
    path.mkdir()
    assert f"{str(path)!r} is not a credentials file" in failure()
    path.rmdir()
    # Opened, it would wait for somebody to write.
    os.mkfifo(path)
    assert f"{str(path)!r} is not a credentials file" in failure()
    path.unlink()
    path.write_text(FILE + "# much\n" * 200_000)
    assert f"{str(path)!r} is not a credentials file" in failure()


def test_a_file_that_may_not_be_read(
    credentials_file: t.Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = credentials_file(FILE)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Permissions do not hold for root, as whom tests may run.
    monkeypatch.setattr("builtins.open", refuse)
    assert f"{str(path)!r} can't be read: Permission denied" in failure()


def test_a_value_that_is_refused_is_named_by_its_place(
    environment: t.Callable[..., None], credentials_file: t.Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = credentials_file("[global]\nak = a\nsk = b\n  c\n")
    assert f"sk in {path} must be one line" in failure()
    environment({"HW_AUTH_TOKEN": "my-secret\n"})
    assert "HW_AUTH_TOKEN must be one line" in failure()
    environment({"HUAWEICLOUD_SDK_AK": "a", "HUAWEICLOUD_SDK_SK": "my secret"})
    assert "HUAWEICLOUD_SDK_SK must be one line" in failure()


def test_another_file(environment: t.Callable[..., None], tmp_path: Path) -> None:
    environment({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(tmp_path / "other")})
    assert "HUAWEICLOUD_SDK_CREDENTIALS_FILE names" in failure()
    (tmp_path / "other").write_text(FILE)
    assert find().secrets == ("file%%secret",)


def test_nothing_at_all(credentials_file: t.Callable[[str], Path]) -> None:
    path = credentials_file("[basic]\nak = a\nsk = b\n")
    with pytest.raises(CloudPondError) as caught:
        find()
    assert str(caught.value) == (
        "Cannot query the CloudPond API: no credential: give the options access_key and secret_key, or auth_token; "
        "or set HW_ACCESS_KEY and HW_SECRET_KEY, or HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or HW_AUTH_TOKEN in the "
        f"environment of the host where this runs; or write ak and sk under [global] into {path}"
    )


def test_the_domain_id(
    environment: t.Callable[..., None], credentials_file: t.Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_domain_id() -> str:
        return str(Sources({}, os.environ).setting("domain_id"))

    with pytest.raises(CloudPondError) as caught:
        find_domain_id()
    assert str(caught.value).startswith(
        "Cannot query the CloudPond API: no domain_id: give the option, or set HW_DOMAIN_ID or HUAWEICLOUD_SDK"
    )
    path = credentials_file("[global]\ndomain_id = file-domain\n")
    assert find_domain_id() == "file-domain"
    environment({"HW_DOMAIN_ID": "", "HUAWEICLOUD_SDK_DOMAIN_ID": "sdk-domain"})
    assert find_domain_id() == "sdk-domain"
    environment({"HW_DOMAIN_ID": "hw-domain"})
    assert find_domain_id() == "hw-domain"
    environment({"HW_DOMAIN_ID": "hw domain"})
    with pytest.raises(CloudPondError, match=r": HW_DOMAIN_ID must be made of"):
        find_domain_id()
    environment({"HW_DOMAIN_ID": "", "HUAWEICLOUD_SDK_DOMAIN_ID": ""})
    path.write_text("[global]\ndomain_id = file domain\n")
    with pytest.raises(CloudPondError, match=f": domain_id in {path} must be made of"):
        find_domain_id()


def test_the_file_is_read_once_and_only_if_it_is_needed(
    credentials_file: t.Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = credentials_file(f"{FILE}domain_id = file-domain\n")
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
