# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import time
import typing as t
from types import SimpleNamespace

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.action.cloudpond_delivery_order_info import ActionModule
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._refusals import Refusals
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils import _action, _run

from ...conftest import DOMAIN_ID, ENDPOINTS_WITH_A_PASSWORD, TOKEN, Emulate
from ..stand_ins import Vaulted, make_action

if t.TYPE_CHECKING:
    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

ID = "00000000-0000-000-0000-000000000001"


@pytest.fixture(autouse=True)
def new_run(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Count the refusals of each test by themselves."""
    monkeypatch.setattr(_run, "REFUSALS", Refusals(str(tmp_path_factory.mktemp("run")), pytest.fail))


def connection(emulator: Emulator) -> dict[str, t.Any]:
    return {"endpoint": emulator.url, "domain_id": DOMAIN_ID, "auth_token": TOKEN, "max_retries": 0}


def run(args: dict[str, t.Any]) -> dict[str, t.Any]:
    return make_action(ActionModule, args).run(task_vars={"ansible_inject_invocation": True})


def test_an_order(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    result = run({**connection(emulator), "delivery_order_id": ID})
    assert (result["changed"], result["listed"]) == (False, False)
    assert result["delivery_order"]["status"] == "SUCCESS"
    assert result["delivery_orders"] == [result["delivery_order"]]
    assert result["invocation"]["module_args"]["auth_token"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert result["invocation"]["module_args"]["page_size"] == 100


@pytest.mark.parametrize(("where", "endpoint"), ENDPOINTS_WITH_A_PASSWORD)
def test_a_password_in_the_endpoint_is_not_shown(where: str, endpoint: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    args: dict[str, t.Any] = {"domain_id": DOMAIN_ID, "auth_token": TOKEN, "delivery_order_id": ID}
    if where == "option":
        args["endpoint"] = endpoint
    else:
        monkeypatch.setenv("HW_CLOUDPOND_ENDPOINT", endpoint)
    result = run(args)
    assert "must not contain a user name or password" in result["msg"]
    assert result["invocation"]["module_args"]["endpoint"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert "canary" not in str(result)


def test_values_of_a_vault_are_decrypted(emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS", "b=FAIL")
    args = {**connection(emulator), "auth_token": Vaulted(TOKEN), "delivery_order_ids": ("b", Vaulted("a"))}
    assert [order["id"] for order in run(args)["delivery_orders"]] == ["b", "a"]


def test_a_failure(emulate: Emulate) -> None:
    result = run({**connection(emulate()), "delivery_order_id": ID})
    assert result["failed"] is True
    assert result["msg"].startswith(f"Cannot query delivery order '{ID}': HTTP 404")
    assert result["error"]["http_status"] == 404


def test_a_credential_that_was_refused_three_times_is_not_sent_again(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    args = {**connection(emulator), "auth_token": "wrong", "delivery_order_id": ID}
    results = [run(args) for _number in range(5)]
    assert [result["error"]["http_status"] for result in results] == [401] * 5
    assert len(emulator.requests) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wrong": 1}, "Unsupported parameters for (huaweicloud.cloudpond.x) module: wrong. Supported parameters incl"),
        ({"delivery_order_id": "a", "status": ["FAIL"]}, "parameters are mutually exclusive"),
        ({"status": ["WRONG"]}, "value of status must be one or more of"),
        (
            {"delivery_order_id": None},
            "Cannot query the CloudPond API: delivery_order_id is null: leave it out to query everything in the",
        ),
    ],
)
def test_options_that_are_refused(emulate: Emulate, options: dict[str, t.Any], message: str) -> None:
    emulator = emulate("a=SUCCESS")
    result = run({**connection(emulator), **options})
    assert result["failed"] is True
    assert message in result["msg"]
    assert emulator.requests == []


def test_a_server_makes_no_template(emulate: Emulate) -> None:
    emulator = emulate()
    result = run({**connection(emulator), "delivery_order_id": ID})
    # Before ansible-core 2.19, a string is a template unless it is of a type that says it is not.
    assert type(result["msg"]).__name__ in ("AnsibleUnsafeText", "str")
    assert not hasattr(result["msg"], "_ansible_tags_mapping") or not result["msg"]._ansible_tags_mapping


@pytest.mark.parametrize(
    ("facts", "here"),
    [
        ({}, True),
        ({"environment": [{"A": "b"}]}, True),
        ({"transport": "ssh"}, False),
        ({"become": object()}, False),
        ({"async_val": 9}, False),
    ],
)
def test_which_tasks_are_shipped(facts: dict[str, t.Any], here: bool) -> None:
    assert make_action(ActionModule, {}, **facts)._is_local() is here


@pytest.mark.parametrize(
    ("name", "value"), [("REQUESTS_IMPORT_ERROR", "no requests"), ("sys", SimpleNamespace(platform="darwin"))]
)
def test_where_all_tasks_are_shipped(monkeypatch: pytest.MonkeyPatch, name: str, value: t.Any) -> None:
    monkeypatch.setattr(_action, name, value)
    assert make_action(ActionModule, {})._is_local() is False


#: Starts a worker as ansible-core does, prints its process ID, and is gone.
PARENT = """
import multiprocessing, os, time
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils._action import _end_with_parent

def work(ready):
    _end_with_parent(os.getpid())
    ready.set()
    time.sleep(60)

context = multiprocessing.get_context("fork")
ready = context.Event()
worker = context.Process(target=work, args=(ready,))
worker.start()
ready.wait()
print(worker.pid, flush=True)
os._exit(0)
"""


def test_a_worker_ends_with_its_parent() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    # The pipe is at its end when the worker, which has it too, is gone.
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE) as parent:
        begun = time.monotonic()
        output, _errors = parent.communicate(timeout=50)
    assert int(output) > 0
    assert time.monotonic() - begun < 30
