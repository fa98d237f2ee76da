# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.ansible_release import __version__ as ansible_version
from ansible.module_utils.common.parameters import PASS_VARS

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _module
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import FIELDS, STATUSES
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._version import VERSION
from ansible_collections.huaweicloud.cloudpond.plugins.modules import cloudpond_delivery_order_info

from ...conftest import DOMAIN_ID, ENDPOINTS_WITH_A_PASSWORD, TOKEN, Emulate

if t.TYPE_CHECKING:
    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

ID = "00000000-0000-000-0000-000000000001"


Result = dict[str, t.Any]
RunModule = t.Callable[..., Result]


@contextlib.contextmanager
def module_args(options: Result, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # ansible-core before 2.18
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode())
        yield
    else:
        with patch_module_args(options):
            yield


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunModule:
    """Run the module as ansible-core does, and return what it printed."""

    def run(**options: t.Any) -> Result:
        with module_args(options, monkeypatch), pytest.raises(SystemExit) as exited:
            cloudpond_delivery_order_info.main()
        result: Result = json.loads(capsys.readouterr().out)
        assert bool(exited.value.code) == result.get("failed", False)
        result.pop("invocation", None)
        return result

    return run


@pytest.mark.parametrize(("where", "endpoint"), ENDPOINTS_WITH_A_PASSWORD)
def test_a_password_in_the_endpoint_is_not_shown(
    where: str, endpoint: t.Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options: Result = {"domain_id": DOMAIN_ID, "auth_token": TOKEN, "delivery_order_id": ID}
    if "inject_invocation" in PASS_VARS:
        options["_ansible_inject_invocation"] = "true"
    if where == "option":
        options["endpoint"] = endpoint
    else:
        monkeypatch.setenv("HW_CLOUDPOND_ENDPOINT", endpoint)
    logged: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda self, msg, log_args=None: logged.append(f"{msg} {log_args}"))
    with module_args(options, monkeypatch), pytest.raises(SystemExit):
        cloudpond_delivery_order_info.main()
    printed = capsys.readouterr().out
    assert "must not contain a user name or password" in json.loads(printed)["msg"]
    assert json.loads(printed)["invocation"]["module_args"]["endpoint"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert "delivery_order_id" in logged[0]
    assert "canary" not in printed + str(logged)


def connection(emulator: Emulator) -> Result:
    return {"endpoint": emulator.url, "domain_id": DOMAIN_ID, "auth_token": TOKEN, "max_retries": 0}


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_facts_of_an_order(emulate: Emulate, run_module: RunModule, check_mode: bool) -> None:
    emulator = emulate(f"{ID}=ACCEPTING")
    result = run_module(**connection(emulator), delivery_order_id=ID, _ansible_check_mode=check_mode)
    order = result["delivery_order"]
    assert set(order) == set(FIELDS)
    assert (order["id"], order["status"]) == (ID, "ACCEPTING")
    assert result == {"changed": False, "listed": False, "delivery_order": order, "delivery_orders": [order]}
    (request,) = emulator.requests
    assert request.user_agent == f"huaweicloud.cloudpond/{VERSION} ansible-core/{ansible_version}"


def test_a_failure(emulate: Emulate, run_module: RunModule) -> None:
    result = run_module(**connection(emulate(f"{ID}=http:503")), delivery_order_id=ID)
    error = result["error"]
    assert set(error) == {"http_status", "code", "message", "request_id", "retryable"}
    assert (error["http_status"], error["retryable"]) == (503, True)
    told = f"HTTP 503, {error['code']}: {error['message']} (request ID {error['request_id']})"
    assert result["msg"] == f"Cannot query delivery order '{ID}': {told}"
    assert set(result) - {"exception"} == {"failed", "msg", "error"}


@pytest.mark.parametrize("domain_variable", ["HW_DOMAIN_ID", "HUAWEICLOUD_SDK_DOMAIN_ID"])
def test_the_environment_stands_in_for_options(
    emulate: Emulate, run_module: RunModule, monkeypatch: pytest.MonkeyPatch, domain_variable: str
) -> None:
    emulator = emulate(f"{ID}=http:503")
    monkeypatch.setenv("HW_CLOUDPOND_ENDPOINT", emulator.url)
    monkeypatch.setenv(domain_variable, DOMAIN_ID)
    monkeypatch.setenv("HW_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("HW_MAX_RETRIES", "1")
    assert run_module(delivery_order_id=ID)["error"]["http_status"] == 503
    assert len(emulator.requests) == 2
    assert run_module(delivery_order_id=ID, max_retries=0)["error"]["http_status"] == 503
    assert len(emulator.requests) == 3


def test_many_orders(emulate: Emulate, run_module: RunModule) -> None:
    emulator = emulate("a=SUCCESS", "b=FAIL")
    result = run_module(**connection(emulator), delivery_order_ids=["b", "a"])
    assert [(order["id"], order["status"]) for order in result["delivery_orders"]] == [("b", "FAIL"), ("a", "SUCCESS")]
    assert set(result) == {"changed", "listed", "delivery_orders"}
    nothing = run_module(**connection(emulator), delivery_order_ids=[])
    assert nothing == {"changed": False, "listed": False, "delivery_orders": []}
    assert len(emulator.requests) == 2


@pytest.mark.parametrize("status", ["SUCCESS", "PROCESSING"])
@pytest.mark.parametrize("ids", [["x", "a", "y"], ["a", "x", "y"], ["x", "y"]])
def test_missing_orders_fail_the_query_and_the_others_are_there(
    emulate: Emulate, run_module: RunModule, status: str, ids: list[str]
) -> None:
    result = run_module(**connection(emulate(f"a={status}")), delivery_order_ids=ids)
    assert [result["failed"], result["missing"], result["error"]["http_status"]] == [True, ["x", "y"], 404]
    assert [order["id"] for order in result["delivery_orders"]] == [each for each in ids if each == "a"]
    assert result["error"]["retryable"] is False


def test_all_orders_or_those_in_a_status(emulate: Emulate, run_module: RunModule) -> None:
    emulator = emulate("a=SUCCESS", "b=FAIL", "c=SUCCESS")
    for options, expected in (({}, "abc"), ({"status": []}, "abc"), ({"status": ["SUCCESS"], "page_size": 1}, "ac")):
        result = run_module(**connection(emulator), **t.cast("Result", options))
        assert "".join(order["id"] for order in result["delivery_orders"]) == expected
        assert set(result) == {"changed", "listed", "delivery_orders"}
        assert result["listed"] is True


@pytest.mark.parametrize(
    ("options", "message"),
    [
        # An ID that came out null or empty is never a listing.
        ({"delivery_order_id": None}, "delivery_order_id is null: leave it out to query everything in the account"),
        ({"delivery_order_ids": None}, "delivery_order_ids is null: leave it out to query everything in the account"),
        ({"delivery_order_id": ""}, "must not be empty: got ''"),
        ({"delivery_order_ids": ["a", ""]}, "must not be empty: got ''"),
        ({"delivery_order_id": "a", "delivery_order_ids": ["a"]}, "mutually exclusive: delivery_order_id|delivery_ord"),
        ({"delivery_order_id": "a", "status": ["FAIL"]}, "mutually exclusive: delivery_order_id|delivery_order_ids|st"),
        ({"status": ["WRONG"]}, "value of status must be one or more of: CANCELLED, PROCESSING, ACCEPTING, SUCCESS, F"),
        ({"page_size": 2001}, "page_size must be from 1 to 2000: got 2001"),
    ],
)
def test_options_that_are_refused(emulate: Emulate, run_module: RunModule, options: Result, message: str) -> None:
    emulator = emulate("a=SUCCESS")
    result = run_module(**connection(emulator), **options)
    assert message in result["msg"]
    # ansible-core itself refuses some.
    assert result.get("error", {"retryable": False})["retryable"] is False
    assert emulator.requests == []


def test_a_missing_domain_id_is_told_with_all_ways_to_give_it(run_module: RunModule) -> None:
    result = run_module(auth_token=TOKEN, delivery_order_id="a")
    assert "no domain_id: give the option, or set HW_DOMAIN_ID or HUAWEICLOUD_SDK_DOMAIN_ID" in result["msg"]
    assert result["error"]["retryable"] is False


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("HW_MAX_RETRIES", "many", "must be a whole number of at least 0: got 'many'"),
        ("HW_CLOUDPOND_ENDPOINT", "https://u:my-sec#ret@h", "must not contain a user name"),
        ("HW_DOMAIN_ID", "a b", "must be made of letters, digits, '-' and '_', and must not be empty: got"),
        ("HW_AUTH_TOKEN", "my-secret\n", "must be one line of visible ASCII characters"),
        ("ALL_PROXY", "socks5://user:my-secret@127.0.0.1:1", "must be a URL such as http://proxy.example.com:3128"),
        ("REQUESTS_CA_BUNDLE", "/nowhere", "must name a file or directory of CA certificates: '/nowhere'"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    run_module: RunModule, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    for each, good in (("HW_DOMAIN_ID", DOMAIN_ID), ("HW_AUTH_TOKEN", TOKEN), (variable, value)):
        monkeypatch.setenv(each, good)
    result = run_module(delivery_order_id="a")
    assert f"{variable} {message}" in result["msg"]
    assert result["error"]["retryable"] is False
    assert "secret" not in result["msg"] + json.dumps(result["error"])


def test_a_variable_that_an_option_beats_may_be_anything(
    emulate: Emulate, run_module: RunModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HW_MAX_RETRIES", "HW_CLOUDPOND_ENDPOINT", "HW_DOMAIN_ID", "HW_AUTH_TOKEN"):
        monkeypatch.setenv(variable, "no good\n")
    result = run_module(**connection(emulate("a=SUCCESS")), delivery_order_id="a")
    assert result["delivery_order"]["status"] == "SUCCESS"


def test_without_requests_the_message_is_that_of_ansible_core(
    run_module: RunModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_module, "REQUESTS_IMPORT_ERROR", "Traceback: no requests")
    result = run_module(domain_id=DOMAIN_ID, auth_token=TOKEN, delivery_order_id=ID)
    assert result["msg"] == basic.missing_required_lib("requests")


def test_the_documented_order_is_the_order() -> None:
    documented = yaml.safe_load(cloudpond_delivery_order_info.RETURN)
    for key in ("delivery_order", "delivery_orders"):
        assert tuple(documented[key]["contains"]) == FIELDS
    text = " ".join(documented["delivery_order"]["contains"]["status"]["description"])
    assert all(f"V({status})" in text for status in STATUSES)
    assert set(documented["error"]["contains"]) == {"http_status", "code", "message", "request_id", "retryable"}


@pytest.mark.parametrize("value", ["canary", ["canary"], {"token": "canary"}])
def test_the_value_of_a_misspelled_option_is_not_shown(
    value: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, t.Any] = {"domain_id": DOMAIN_ID, "token": value}
    if "inject_invocation" in PASS_VARS:
        options["_ansible_inject_invocation"] = "true"
    with module_args(options, monkeypatch), pytest.raises(SystemExit):
        cloudpond_delivery_order_info.main()
    printed = capsys.readouterr().out
    assert "Unsupported parameters" in json.loads(printed)["msg"]
    assert json.loads(printed)["invocation"]["module_args"]["domain_id"] == DOMAIN_ID
    assert "canary" not in printed
