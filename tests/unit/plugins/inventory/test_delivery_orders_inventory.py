# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
import yaml
from ansible import constants as C
from ansible import context, template
from ansible.errors import AnsibleParserError
from ansible.inventory import manager
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.doc_fragments import constructed, inventory_cache
from ansible.template import Templar
from ansible.utils.context_objects import CLIArgs
from ansible.utils.display import Display
from ansible.vars import plugins
from ansible.vars.manager import VariableManager

from ansible_collections.huaweicloud.cloudpond.plugins.doc_fragments import _connection
from ansible_collections.huaweicloud.cloudpond.plugins.inventory import delivery_orders
from ansible_collections.huaweicloud.cloudpond.plugins.inventory.delivery_orders import InventoryModule
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._refusals import Refusals
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import FIELDS, STATUSES
from ansible_collections.huaweicloud.cloudpond.plugins.modules import cloudpond_delivery_order_info
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils import _run
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._orders import OrderPlan, parse_order

from ...conftest import DOMAIN_ID, TOKEN, Emulate

MakeSource = t.Callable[..., "Source"]

NAME = InventoryModule.NAME
#: Variables of a host that tests look at.
VARIABLES = ("delivery_order_id", "delivery_order", "ansible_host", "rack")
GROUPS = {"cloudpond", *(f"cloudpond_{status.lower()}" for status in STATUSES)}
SECRET_KEY = "emulator-secret-key"
FRAGMENTS = (constructed, inventory_cache, _connection)

#: Marks a text as if it came from a playbook. Before ansible-core 2.19, every text counts as such.
trusted: t.Callable[[str], str] = getattr(template, "trust_as_template", str)


def documented_options() -> dict[str, dict[str, t.Any]]:
    """Return the plugin's options as ansible-core puts them together."""
    own = yaml.safe_load(delivery_orders.DOCUMENTATION)["options"]
    options: dict[str, dict[str, t.Any]] = {}
    for fragment in FRAGMENTS:
        options.update(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"])
    return {name: {**options.get(name, {}), **own.get(name, {})} for name in {**options, **own}}


def order(life: str, name: str = "", edge_site_id: str = "") -> OrderPlan:
    """Return an order for an emulator: its ID and life, and what else is not to be made of the ID."""
    (plan,) = parse_order(life)
    return replace(plan, name=name or plan.id, edge_site_id=edge_site_id or f"edge-{plan.id}")


@pytest.fixture(autouse=True)
def new_run(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Count the refusals of each test by themselves, and register the options as the loader of plugins does."""
    monkeypatch.setattr(_run, "REFUSALS", Refusals(str(tmp_path_factory.mktemp("run")), pytest.fail))
    C.config.initialize_plugin_configuration_definitions("inventory", NAME, documented_options())


def load_plugin() -> InventoryModule:
    """Return the plugin as ansible-core loads it."""
    plugin = InventoryModule()
    plugin._load_name = plugin.ansible_name = plugin._original_path = NAME
    plugin._redirected_names = [NAME]
    return plugin


def connection(emulator: Emulator) -> dict[str, t.Any]:
    return {"endpoint": emulator.url, "domain_id": DOMAIN_ID, "auth_token": TOKEN, "max_retries": 0}


def config(emulator: Emulator, **options: t.Any) -> dict[str, t.Any]:
    """Return a source of this plugin, by which orders are hosts by their IDs."""
    return {"plugin": NAME, "hostname": "{{ id }}", **connection(emulator), **options}


class Source:
    """A configuration file for the inventory, and what comes of it."""

    def __init__(self, path: Path, emulator: Emulator) -> None:
        self.path = path
        self.emulator = emulator
        self.loader = DataLoader()

    def write(self, text: str = "", **options: t.Any) -> None:
        """Write the file. Without a text, it has these options, and a connection to the emulator unless they have."""
        text = text or yaml.safe_dump({**connection(self.emulator), **options})
        self.path.write_text(f"plugin: {NAME}\n{text}", encoding="utf-8")

    def parse(
        self, inventory: InventoryData | None = None, *, cache: bool = True, extra_vars: dict[str, t.Any] | None = None
    ) -> InventoryData:
        """Parse the file as ansible-core's manager does."""
        inventory = inventory or InventoryData()
        plugin = load_plugin()
        target = inventory
        if hasattr(manager, "_InventoryDataWrapper"):
            target = manager._InventoryDataWrapper(inventory, plugin, manager.Origin(description="a test"))
        with pytest.MonkeyPatch.context() as patch:
            if extra_vars is not None:
                patch.setattr("ansible.plugins.inventory.load_extra_vars", lambda loader: extra_vars)
            plugin.parse(target, self.loader, str(self.path), cache=cache)
        inventory.reconcile_inventory()
        return inventory

    def fail(self, inventory: InventoryData | None = None, **options: t.Any) -> str:
        """Parse the file, which must fail and leave the inventory as it was, and return the message."""
        inventory = inventory or InventoryData()
        before = facts(inventory)
        with pytest.raises(BaseException) as failure:  # noqa: PT011  # each test checks the message
            self.parse(inventory, **options)
        assert facts(inventory) == before
        return str(failure.value)


class Folder:
    """A folder with sources, read by ansible-core's own manager."""

    def __init__(self, path: Path, emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.emulate = emulate
        #: All that ansible-core warned of.
        self.warnings: list[str] = []
        self._monkeypatch = monkeypatch
        self.manager: t.Any = None

    def write(self, files: dict[str, t.Any]) -> None:
        for name, content in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(content if isinstance(content, str) else yaml.safe_dump(content))

    def config(self, *orders: str, listing: str = "ok", **options: t.Any) -> dict[str, t.Any]:
        """Return a source of this plugin for an account with these orders."""
        return config(self.emulate(*orders, listing=listing), **options)

    def read(self, files: dict[str, t.Any] | None = None, *sources: str) -> Folder:
        """Write the files, and read the folder, or some sources in it, anew."""
        self.write(files or {})
        paths = [str(self.path / source) for source in sources or ("",)]
        self.manager = manager.InventoryManager(DataLoader(), paths, parse=False)
        others = self.manager._fetch_inventory_plugins()
        self._monkeypatch.setattr(self.manager, "_fetch_inventory_plugins", lambda: [load_plugin(), *others])
        self.manager.parse_sources(cache=True)
        return self

    def hosts(self, pattern: str) -> list[str]:
        return [host.name for host in self.manager.get_hosts(pattern)]

    def variables(self, host: str) -> dict[str, t.Any]:
        """Return the variables of a host as a play sees them."""
        variables = VariableManager(DataLoader(), self.manager).get_vars(host=self.manager.get_host(host))
        templar = Templar(DataLoader(), variables)
        return {name: templar.template(variables[name]) for name in VARIABLES if name in variables}


@pytest.fixture
def make_source(emulate: Emulate, tmp_path: Path) -> MakeSource:
    """Make a source with these options, of an emulator that has these orders."""

    def make(
        *orders: t.Any, name: str = "cloudpond.yml", emulator: t.Any = None, listing: str = "ok", **options: t.Any
    ) -> Source:
        source = Source(tmp_path / name, emulator or emulate(*orders, listing=listing))
        source.write(**options)
        return source

    return make


@pytest.fixture
def folder(emulate: Emulate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    folder = Folder(tmp_path / "folder", emulate, monkeypatch)
    monkeypatch.setattr(Display, "warning", lambda self, msg, *_args, **_more: folder.warnings.append(msg))
    # A group may be missing after a failure. ansible-test makes that an error.
    monkeypatch.setattr(C, "HOST_PATTERN_MISMATCH", "ignore")
    if hasattr(Display, "error_as_warning"):  # ansible-core 2.19 and newer
        monkeypatch.setattr(
            Display, "error_as_warning", lambda self, msg, exception: folder.warnings.append(str(exception))
        )
    return folder


def facts(inventory: InventoryData) -> dict[str, t.Any]:
    """Return everything that a play could see of an inventory, by the names of its groups and hosts."""
    found: dict[str, t.Any] = {name: {*hosts} for name, hosts in inventory.get_groups_dict().items()}
    for name, group in inventory.groups.items():
        relatives = (group.get_hosts(), group.child_groups, group.parent_groups, group.get_ancestors())
        found[f"group {name}"] = [*({each.name for each in some} for some in relatives), group.depth, {**group.vars}]
    for name, host in inventory.hosts.items():
        found[f"host {name}"] = [{group.name for group in host.groups}, {**host.vars}]
    return found


def members(inventory: InventoryData) -> dict[str, list[str]]:
    """Return the hosts that are in the plugin's groups themselves."""
    return {name: [host.name for host in inventory.groups[name].hosts] for name in GROUPS if name in inventory.groups}


# Hosts, groups and variables


def test_a_host_an_order_with_the_variables_that_the_module_returns(make_source: MakeSource) -> None:
    source = make_source(*(order(f"id-{status}={status}", status.title()) for status in (*STATUSES, "PAUSED")))
    inventory = source.parse()
    assert members(inventory) == {
        "cloudpond": ["Paused"],
        **{f"cloudpond_{status.lower()}": [status.title()] for status in STATUSES},
    }
    assert {host.name for host in inventory.groups["cloudpond"].get_hosts()} == set(inventory.hosts)
    assert [(request.method, request.status) for request in source.emulator.requests] == [("GET", 200)]
    options = {"endpoint": source.emulator.url, "domain_id": DOMAIN_ID, "auth_token": TOKEN}
    orders = cloudpond_delivery_order_info.INFO.answer(options, options)["delivery_orders"]
    assert [host.vars["delivery_order"] for host in inventory.hosts.values()] == orders
    assert [host.vars["delivery_order_id"] for host in inventory.hosts.values()] == [each["id"] for each in orders]


@pytest.mark.parametrize(("ids", "asked"), [(["a", 7, "a"], ["a", "7"]), ("{{ some }}", ["a"]), ([], [])])
def test_ids_are_queried_one_by_one_and_nothing_else(make_source: MakeSource, ids: t.Any, asked: list[str]) -> None:
    source = make_source("a=SUCCESS", "b=SUCCESS", "7=FAIL", hostname="{{ id }}", delivery_order_ids=ids)
    inventory = source.parse(extra_vars={"some": ["a"]})
    assert set(inventory.hosts) == set(asked)
    assert set(inventory.groups) > GROUPS
    assert [request.delivery_order_id for request in source.emulator.requests] == asked


# Host names


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [(None, "a"), ("{{ id }}", "0017"), ("{{ name | upper }}.{{ edge_site_id }}", "A.edge"), ("{{ id | int }}", "17")],
)
def test_hostname_is_a_template_of_the_order(make_source: MakeSource, hostname: str | None, expected: str) -> None:
    inventory = make_source(order("0017=SUCCESS", "a", "edge"), hostname=hostname).parse()
    assert [(name, type(name)) for name in inventory.hosts] == [(expected, str)]


@pytest.mark.parametrize("name", ["True", "007", "null", "site_1.example.com", "Zürich"])
@pytest.mark.parametrize("hostname", ["{{ name }}", "{{ name | trim }}"])
def test_a_name_stays_the_text_that_it_is(make_source: MakeSource, name: str, hostname: str) -> None:
    assert set(make_source(order("a=SUCCESS", name), hostname=hostname).parse().hosts) == {name}


ODD = ("*", "site[1:3]", "&x", "@/etc/passwd", "a,b", "a b", "a\n", "a\u202eb", "-oProxyCommand=x", "../a", "{{ 7 }}")
CONTROL_NODE = ("localhost", "127.1", "LocalHost.", "rack.localhost", "ip6-localhost")
UNRESOLVED, EMPTY = "gets no host name, since hostname can't be resolved:", "gets the host name '', which Ansible could"


@pytest.mark.parametrize(
    ("name", "hostname", "message"),
    [
        *((name, "{{ name }}", "which Ansible could mistake for a pattern") for name in ODD),
        *((name, "{{ name ~ '' }}", "which Ansible could mistake for a pattern") for name in ODD),
        *((name, None, f"gets the host name '{name}', which is the control node") for name in CONTROL_NODE),
        *((name, None, "which is the name of a group") for name in ("all", "cloudpond_success", "webservers")),
        ("site-a", "{{ nothing_of_that_kind }}", UNRESOLVED),
        ("site-a", "{{ name", UNRESOLVED),
        ("site-a", "{{ '' }}", EMPTY),
        ("site-a", "{{ effected_at }}", EMPTY),
    ],
)
def test_a_name_that_ansible_could_take_for_more_is_refused(
    make_source: MakeSource, name: str, hostname: str | None, message: str
) -> None:
    inventory = InventoryData()
    inventory.add_group("webservers")
    failure = make_source(order("id-1=PROCESSING", name), hostname=hostname).fail(inventory)
    assert failure.startswith("the delivery order ")
    assert "('id-1') gets " in failure
    assert message in failure
    assert failure.endswith('set hostname, for example to "{{ id }}"') or message == UNRESOLVED
    assert failure.isprintable()


def test_two_orders_with_one_name_are_refused(make_source: MakeSource) -> None:
    source = make_source(order("id-1=SUCCESS", "site-a"), order("id-2=PROCESSING", "site-a"))
    assert "('id-2') gets the host name 'site-a', which the delivery order 'site-a' ('id-1') gets too" in source.fail()


def test_an_order_that_comes_twice_is_one_host_as_it_came_last(
    make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [{**dict.fromkeys(FIELDS), "id": "1", "name": "a", "status": status} for status in ("FAIL", "SUCCESS")]
    monkeypatch.setattr(InventoryModule, "_find_orders", lambda *args: orders)
    inventory = make_source().parse()
    assert (members(inventory)["cloudpond_success"], members(inventory)["cloudpond_fail"]) == (["a"], [])


# One's own sites


OF_BERLIN = {"delivery_order_id": "o-1"}
OF_MADRID = {"delivery_order_id": "o-2"}


@pytest.mark.parametrize(
    "files",
    [
        {"10-sites.yml": {"sites": {"hosts": {"berlin": {**OF_BERLIN, "rack": 1}}}}},
        {"10-sites.yml": {"dach": {"children": {"de": {"hosts": {"berlin": {"rack": 1}}}}, "vars": OF_BERLIN}}},
        {"10-sites.yml": {"sites": {"hosts": {"berlin": {"rack": 1}}}}, "group_vars/sites.yml": OF_BERLIN},
        {"10-sites": "[sites]\nberlin rack=1\n[all:vars]\ndelivery_order_id=o-1\n"},
        {"10-sites": "berlin rack=1 delivery_order_id=x\n", "host_vars/berlin.yml": OF_BERLIN},
        {"10-sites": "[sites]\nberlin rack=1 delivery_order_id=o-1\n[berlin]\nbonn\n"},
    ],
)
def test_a_site_that_names_an_order_is_its_host(folder: Folder, files: dict[str, t.Any]) -> None:
    folder.read({**files, "20.cloudpond.yml": folder.config("o-1=SUCCESS", "o-2=SUCCESS", "o-3=FAIL")})
    assert folder.hosts("cloudpond_success") == ["berlin", "o-2"]
    assert folder.hosts("cloudpond") == ["berlin", "o-2", "o-3"]
    assert [name for name in folder.hosts("bonn") if "delivery_order" in folder.variables(name)] == []
    variables = folder.variables("berlin")
    order = variables.pop("delivery_order")
    assert (order["id"], order["status"]) == ("o-1", "SUCCESS")
    assert variables == {"delivery_order_id": "o-1", "rack": 1}


def test_sites_share_an_order_and_a_site_without_one_stays_out(folder: Folder) -> None:
    ids = {"a": "o-1", "b": "o-1", "c": 7, "d": "gone", "e": None, "f": "", "g": "a/b", "h": True, "i": "o-2"}
    # A template is not resolved.
    ids.update({"k": "{{ 'o-1' }}", "l": "{% if 1 %}o-1{% endif %}"})
    sites = {"j": {}, **{name: {"delivery_order_id": value} for name, value in ids.items()}}
    source = folder.config("o-1=SUCCESS", "7=SUCCESS", "o-2=PAUSED")
    folder.read({"10-sites.yml": {"sites": {"hosts": sites}}, "20.cloudpond.yml": source})
    assert folder.hosts("cloudpond_success") == ["a", "b", "c"]
    assert folder.hosts("cloudpond") == ["i", "a", "b", "c"]
    assert not any("delivery_order" in folder.variables(name) for name in "defghjkl")
    assert set(folder.hosts("all")) == set(sites)
    assert [warning.count(f"the host '{name}'") for warning, name in zip(folder.warnings, "kl")] == [1, 1]
    assert len(folder.warnings) == 2


@pytest.mark.parametrize("listing", ["ok", "http:503"])
@pytest.mark.parametrize(
    "by_hand",
    [
        {"cloudpond_success": {"hosts": {"a": {}, "b": {}}}},
        {"cloudpond_success": {"children": {"x": {"children": {"sites": {}}}}}},
        {"cloudpond_success": {"children": {"cloudpond": {"hosts": {"a": {}, "b": {}}}}}},
        {"cloudpond_fail": {"children": {"cloudpond_success": {"hosts": {"a": {}, "b": {}}}}}},
    ],
)
def test_no_other_source_opens_the_gate(folder: Folder, listing: str, by_hand: dict[str, t.Any]) -> None:
    stale = {"id": "o-1", "status": "SUCCESS"}
    sites = {"a": {"delivery_order_id": "o-1", "delivery_order": stale}, "b": {"delivery_order_id": "gone"}}
    inventory = {"sites": {"hosts": sites, "vars": {"delivery_order": stale}}, **by_hand, "mine": {"hosts": sites}}
    folder.read({"10-sites.yml": inventory, "20.cloudpond.yml": folder.config("o-1=PROCESSING", listing=listing)})
    assert folder.hosts("cloudpond_success") == []
    for site, status in {"a": "PROCESSING" if listing == "ok" else None, "b": None}.items():
        host = folder.manager.get_host(site)
        assert (folder.variables(site)["delivery_order"] or {}).get("status") == status
        assert "cloudpond_success" not in {group.name for group in host.get_groups()}
        assert {"all", "sites", "mine"} <= {group.name for group in host.get_groups()}
    assert folder.hosts("cloudpond_processing") == (["a"] if listing == "ok" else [])
    (warning, *_others) = folder.warnings
    assert "takes out what doesn't belong there: " in warning


def test_an_order_in_host_vars_would_hide_the_one_of_the_query(folder: Folder) -> None:
    folder.write(
        {"10-sites.yml": {"sites": {"hosts": {"a": OF_BERLIN}}}, "20.cloudpond.yml": folder.config("o-1=FAIL")}
    )
    folder.read({"host_vars/a.yml": {"delivery_order": {"status": "SUCCESS"}}})
    assert folder.hosts("cloudpond") == ["o-1"]
    assert any("finds delivery_order in host_vars of the host 'a'" in warning for warning in folder.warnings)


@pytest.mark.parametrize("sites", ["{}", "{all: {hosts: {o-1: {}}}}"])
@pytest.mark.parametrize("others", [{"delivery_order_id": "o-2"}, {"delivery_order": {"status": "SUCCESS"}}])
def test_host_vars_give_a_made_host_no_other_order(folder: Folder, sites: str, others: dict[str, t.Any]) -> None:
    folder.write({"10-sites.yml": sites, "20.cloudpond.yml": folder.config("o-1=SUCCESS", "7=SUCCESS")})
    folder.read({"host_vars/o-1.yml": {"rack": 1}, "host_vars/7.yml": {"delivery_order_id": 7}})
    assert folder.hosts("cloudpond_success") == ["o-1", "7"]
    assert folder.read({"host_vars/o-1.yml": others}).hosts("cloudpond") == []
    assert any("'o-1'" in warning for warning in folder.warnings)


def test_host_vars_that_the_run_writes_count_for_a_made_host(folder: Folder) -> None:
    folder.read({"host_vars/b.yml": {}, "20.cloudpond.yml": folder.config("o-1=SUCCESS")})
    folder.write({"host_vars/o-1.yml": {"rack": 1}})
    assert folder.variables("o-1")["rack"] == 1


def test_the_files_in_two_folders_must_agree(folder: Folder) -> None:
    folder.write({"1/sites.yml": {"west": {"hosts": {"a": {}, "b": {}, "c": {}}}}, "1/group_vars/west.yml": OF_BERLIN})
    folder.write({"1/host_vars/b.yml": OF_BERLIN, "2/host_vars/b.yml": OF_MADRID, "2/group_vars/all.yml": OF_MADRID})
    folder.write({"1/host_vars/c.yml": OF_MADRID, "2/host_vars/c.yml": OF_MADRID})
    folder.read({"2/cloudpond.yml": folder.config("o-1=SUCCESS", "o-2=SUCCESS")}, "1", "2")
    assert folder.hosts("cloudpond_success") == ["c", "o-1"]


def test_a_source_between_two_of_this_plugin_opens_nothing(folder: Folder) -> None:
    stale = {"id": "o-1", "status": "SUCCESS"}
    folder.write({"10-sites.yml": {"sites": {"hosts": {"a": OF_BERLIN}}}})
    folder.write({"20.cloudpond.yml": folder.config("o-1=PROCESSING", "o-2=FAIL")})
    folder.write({"30.yml": {"cloudpond_success": {"hosts": {"a": {"delivery_order": stale}, "o-2": {}}}}})
    folder.read({"40.cloudpond.yml": folder.config("o-3=SUCCESS")})
    assert folder.hosts("cloudpond_success") == ["o-3"]
    assert (folder.hosts("cloudpond_processing"), folder.hosts("cloudpond_fail")) == (["a"], ["o-2"])
    assert folder.variables("a")["delivery_order"] is None
    assert folder.variables("o-2")["delivery_order"]["status"] == "FAIL"
    assert any("takes out what doesn't belong there: a, o-2" in warning for warning in folder.warnings)


def test_the_last_of_two_sources_of_this_plugin_counts(folder: Folder) -> None:
    sites = {name: {"delivery_order_id": f"o-{name}"} for name in "abcd"}
    folder.write({"10-sites.yml": {"sites": {"hosts": sites}}, "cloudpond.yml": folder.config("o-b=SUCCESS")})
    both = folder.config("o-a=SUCCESS,FAIL", "o-c=PROCESSING,SUCCESS", "o-d=FAIL,PAUSED")
    folder.read({"20.cloudpond.yml": both, "30.cloudpond.yml": both})
    found = {group: folder.hosts(f"cloudpond_{group}") for group in ("success", "fail", "processing")}
    assert found == {"success": ["c", "b"], "fail": ["a"], "processing": []}
    assert "d" in folder.hosts("cloudpond")
    assert folder.variables("c")["delivery_order"]["status"] == "SUCCESS"
    assert "cloudpond" in {group.name for group in folder.manager.get_host("d").get_groups()}
    assert not folder.warnings


def test_constructed_options_are_for_the_hosts_that_the_plugin_makes(folder: Folder) -> None:
    options = {
        "compose": {"ansible_host": "delivery_order.edge_site_id", "not_strict": "delivery_order.nothing"},
        "groups": {"made": "delivery_order.status == 'FAIL'"},
        **keyed("name", prefix="by_name", parent_group="by"),
    }
    sites = {"all": {"hosts": {"a": {**OF_BERLIN, "ansible_host": "192.0.2.1"}}}}
    folder.read({"10-sites.yml": sites, "20.cloudpond.yml": folder.config("o-1=FAIL", "o-2=FAIL", **options)})
    assert folder.hosts("made") == folder.hosts("by") == folder.hosts("by_name_*") == ["o-2"]
    assert folder.variables("a")["ansible_host"] == "192.0.2.1"
    assert folder.variables("o-2")["ansible_host"] == folder.variables("o-2")["delivery_order"]["edge_site_id"]


def test_a_file_with_another_name_is_refused_with_the_reason(make_source: MakeSource) -> None:
    reason = f"the name of a file with plugin: {NAME} must end in cloudpond.yml or cloudpond.yaml"
    assert reason in make_source(name="orders.yml").fail()


def test_a_host_of_another_source_is_the_same_host_unless_it_has_another_order(make_source: MakeSource) -> None:
    inventory = InventoryData()
    inventory.add_host("site-b")
    inventory.set_variable("site-b", "ansible_host", "192.0.2.1")
    make_source(order("id-2=SUCCESS", "site-b")).parse(inventory)
    variables = inventory.hosts["site-b"].vars
    assert (variables["ansible_host"], variables["delivery_order_id"]) == ("192.0.2.1", "id-2")
    assert members(inventory)["cloudpond_success"] == ["site-b"]
    message = make_source(order("id-3=SUCCESS", "site-b"), name="2.cloudpond.yml").fail(inventory)
    assert "gets the host name 'site-b', which another source uses for the delivery order 'id-2'" in message


# Constructed options


def keyed(field: str, **options: t.Any) -> dict[str, t.Any]:
    return {"keyed_groups": [{"key": f"delivery_order.{field}", **options}]}


OPENS = "the group 'cloudpond_success', which is a group of this plugin"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (keyed("name", prefix="cloudpond"), OPENS),
        (keyed("name", prefix="x", parent_group="cloudpond_success"), OPENS),
        ({"groups": {"cloudpond_success": "true"}}, OPENS),
        (keyed("edge_site_id", prefix="", separator=""), "the group 'router', which is the name of a host"),
        (keyed("id", prefix="x"), "the group 'x_1', which is the name of a host"),
        ({"compose": {"delivery_order_id": "'2'"}}, "compose sets delivery_order_id, which is a variable of this"),
        ({"compose": {"delivery_order": "{}"}}, "compose sets delivery_order, which is a variable of this plugin"),
    ],
)
def test_no_text_of_a_server_opens_the_gate_or_takes_a_host(
    make_source: MakeSource, options: dict[str, t.Any], message: str
) -> None:
    inventory = InventoryData()
    inventory.add_host("router")
    source = make_source(order("1=PROCESSING", "success", "router"), order("2=PROCESSING", "x_1"), **options)
    assert message in source.fail(inventory)


# Sources that fail half-way


@pytest.fixture
def other_source() -> InventoryData:
    """An inventory of another source, which knows one of two orders, and a group that keyed_groups can create."""
    inventory = InventoryData()
    inventory.add_host("site-a")
    inventory.set_variable("site-a", "ansible_host", "192.0.2.1")
    inventory.set_variable("site-a", "delivery_order", {"mine": True})
    inventory.add_group("x_edge")
    inventory.add_group("web")
    inventory.add_host("router", "x_edge")
    inventory.add_host("site-a", "web")
    inventory.reconcile_inventory()
    return inventory


@pytest.mark.parametrize(
    "options",
    [
        {"groups": {5: "true"}},
        keyed("edge_site_id", prefix="x", parent_group="x_edge"),
        {"keyed_groups": [*keyed("status", prefix="x", parent_group="new")["keyed_groups"], None]},
        {"strict": True, "compose": {"a": "delivery_order.nothing"}},
        {"strict": True, "groups": {"fine": "true", "broken": "delivery_order.nothing"}},
        {"strict": True, **keyed("nothing")},
    ],
)
def test_an_error_leaves_nothing_behind(
    make_source: MakeSource, other_source: InventoryData, options: dict[str, t.Any]
) -> None:
    orders = (order("id-1=SUCCESS", "site-a", "edge"), order("id-2=SUCCESS", "site-b"))
    make_source(*orders, **{"compose": {"ready": "delivery_order.status == 'SUCCESS'"}, **options}).fail(other_source)


def test_an_interrupt_leaves_nothing_behind(
    make_source: MakeSource, other_source: InventoryData, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_source(order("id-1=SUCCESS", "site-a"), order("id-2=SUCCESS", "site-b"), groups={"new": "true"})
    interrupt = mock.Mock(side_effect=[None, KeyboardInterrupt("by hand")])
    monkeypatch.setattr(InventoryModule, "_add_host_to_keyed_groups", interrupt)
    assert source.fail(other_source) == "by hand"


def test_a_cache_that_can_not_be_written_leaves_nothing_behind(
    make_source: MakeSource, other_source: InventoryData, monkeypatch: pytest.MonkeyPatch, cache: dict[str, t.Any]
) -> None:
    full = mock.Mock(side_effect=OSError("no connection"))
    monkeypatch.setattr("ansible.plugins.cache.BaseFileCacheModule.set", full)
    assert "no connection" in make_source(order("id-1=SUCCESS", "site-a"), **cache).fail(other_source)


# A server's text is never evaluated


def test_nothing_of_a_server_is_a_template(make_source: MakeSource, cache: dict[str, t.Any], tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    bait = f"{{{{ lookup('pipe', 'touch {trap}') }}}}"
    options = {"hostname": "{{ name | hash('md5') }}", "compose": {"composed": "delivery_order.name"}, **cache}
    source = make_source(order("id-1=SUCCESS", bait, bait), **keyed("name", prefix="x"), **options)
    for _cached in (False, True):
        (host,) = source.parse().hosts.values()
        templar = Templar(loader=source.loader, variables=host.vars)
        for text in ("{{ delivery_order.name }}", "{{ composed }}"):
            assert templar.template(trusted(text)) == bait
        assert templar.template(host.vars["delivery_order"]["name"]) == bait
    assert not trap.exists()


# Options


def test_the_options_are_the_modules() -> None:
    module = yaml.safe_load(cloudpond_delivery_order_info.DOCUMENTATION)["options"]
    fragments = [yaml.safe_load(each.ModuleDocFragment.DOCUMENTATION)["options"] for each in FRAGMENTS]
    module.update(fragments[-1])
    del module["delivery_order_id"]
    options = documented_options()
    for name, option in module.items():
        for fact in ("type", "elements", "default", "choices"):
            assert options[name].get(fact) == option.get(fact), (name, fact)
        # ansible-core must neither demand one that stands elsewhere, nor take one from another place than the rest.
        assert not options[name].get("required")
        assert not options[name].get("env")
    assert options["hostname"]["default"] == delivery_orders.DEFAULT_HOSTNAME
    assert set(options) == {"plugin", "hostname"}.union(module, *fragments)


def test_the_environment_has_what_the_options_leave_out(
    make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An option beats it, and a null option is one that was left out.
    monkeypatch.setenv("HW_AUTH_TOKEN", "x")
    source = make_source("a=SUCCESS", hostname=None, status=None, timeout=None, domain_id=None, page_size=None)
    assert "no domain_id" in source.fail()
    monkeypatch.setenv("HW_DOMAIN_ID", DOMAIN_ID)
    assert len(source.parse().hosts) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delivery_order_ids": None}, "delivery_order_ids is null: leave it out to query everything"),
        ({"delivery_order_ids": ""}, "must not be empty: got ''"),
        ({"delivery_order_ids": [None]}, ""),
        ({"delivery_order_ids": "{{ nothing }}"}, ""),
        ({"delivery_order_ids": ["{{ empty }}"]}, "must not be empty: got ''"),
        ({"delivery_order_ids": "{{ undefined_variable }}"}, "'undefined_variable' is undefined"),
        ({"delivery_order_ids": ["../a"]}, "an ID must be made of letters"),
        ({"validate_certs": "maybe"}, "validate_certs"),
        ({"page_size": "{{ 'many' }}"}, "page_size"),
        ({"page_size": 0}, "page_size must be from 1 to 2000: got 0"),
        ({"delivery_order_ids": ["a"], "status": ["SUCCESS"]}, "mutually exclusive: delivery_order_ids|status"),
        ({"delivery_order_id": "a"}, "delivery_order_id: the plugin huaweicloud.cloudpond.delivery_orders has no such"),
        ({"status": ["DONE"]}, "DONE"),
        ({"endpoint": "http://192.0.2.1"}, "endpoint must begin with https://"),
        ({"domain_id": ""}, "domain_id must be made of letters"),
        ({"auth_token": TOKEN, "access_key": "a"}, "can't be given together"),
        ({"auth_token": None, "access_key": "a"}, "secret_key must be given in the options too, along with access_key"),
    ],
)
def test_a_wrong_option_asks_nothing(
    make_source: MakeSource, monkeypatch: pytest.MonkeyPatch, options: dict[str, t.Any], message: str
) -> None:
    # A credential is never completed from another place.
    monkeypatch.setenv("HW_SECRET_KEY", SECRET_KEY)
    source = make_source("a=SUCCESS", **options)
    assert message in source.fail(extra_vars={"empty": "", "nothing": None})
    assert not source.emulator.requests


@pytest.mark.parametrize(
    "secret", ["can{{ary", "s3cr{{ canary }}x", "{{ lookup('canary') }}", "{{ nested ~ '' }}", ["s3cr{{ canary }}x"]]
)
@pytest.mark.parametrize("option", ["auth_token", "secret_key", "endpoint"])
def test_a_secret_that_looks_like_a_template_is_not_shown(make_source: MakeSource, option: str, secret: t.Any) -> None:
    if option == "endpoint" and isinstance(secret, str):
        secret = f"https://user:{secret}@ies.example.com" if "nested" not in secret else secret
    source = make_source("a=SUCCESS", **{option: secret})
    with pytest.raises(AnsibleParserError) as failure:
        source.parse(extra_vars={"nested": trusted("s3cr{{ canary }}x")})
    message = str(failure.value)
    assert message.startswith(f"{option} can't be resolved: the reason is not shown")
    assert not any(part in message for part in ("canary", "ary", "s3cr"))
    # With -vvv, ansible-core shows the causes too.
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__


def test_a_secret_with_braces_is_sent_as_it_is(make_source: MakeSource) -> None:
    source = make_source()
    source.write(f"endpoint: {source.emulator.url}\ndomain_id: a\nauth_token: !unsafe 's3cr{{{{canary}}}}x'\n")
    message = source.fail()
    assert "HTTP 401" in message
    assert "canary" not in message


def test_without_requests(make_source: MakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_orders, "REQUESTS_IMPORT_ERROR", "Traceback")
    assert "Failed to import the required Python library (requests)" in make_source().fail()


# Queries that fail


@pytest.mark.parametrize("listing", ["http:503", "http:403", "no-page-info", "ok,http:503"])
def test_an_outage_is_no_account_without_orders(make_source: MakeSource, listing: str) -> None:
    source = make_source("a-{1..3}=SUCCESS", listing=listing, page_size=1)
    assert source.fail().startswith("Cannot query the delivery orders: ")


def test_a_refused_credential_is_asked_three_times(make_source: MakeSource) -> None:
    source = make_source("a=SUCCESS", auth_token="wrong-token")
    other = make_source(name="2.cloudpond.yml", emulator=source.emulator, auth_token="wrong-token", status=["SUCCESS"])
    # A refresh is no new run, and many sources can have one credential.
    for each in (source, source, other, source, other):
        assert "HTTP 401" in each.fail()
    assert [request.status for request in source.emulator.requests] == [401] * 3
    other.write(hostname="{{ id }}")
    assert set(other.parse().hosts) == {"a"}


# The cache


@pytest.fixture
def cache(tmp_path: Path) -> dict[str, t.Any]:
    return {
        "cache": True,
        "cache_plugin": "jsonfile",
        "cache_connection": str(tmp_path / "cache"),
        "cache_prefix": "p_",
    }


def test_the_cache_answers_until_it_is_refreshed(make_source: MakeSource, cache: dict[str, t.Any]) -> None:
    source = make_source("a=PROCESSING*2,SUCCESS", hostname="{{ id }}", listing="http:503,ok", **cache)
    # Nothing of a query that failed is in it.
    source.fail()
    found = [members(source.parse(cache=cached))["cloudpond_success"] for cached in (True, True, False, True)]
    assert found == [[], [], ["a"], ["a"]]
    assert len(source.emulator.requests) == 3


def test_each_file_has_an_entry_of_its_own(make_source: MakeSource, cache: dict[str, t.Any]) -> None:
    source = make_source("a=SUCCESS", **cache)
    source.parse()
    make_source(name="2.cloudpond.yml", emulator=source.emulator, **cache).parse()
    assert len(source.emulator.requests) == 2


@pytest.mark.parametrize(
    "change",
    [{"status": ["FAIL"]}, {"domain_id": None}, {"endpoint": "http://127.0.0.1:9"}]
    + [{"delivery_order_ids": ids} for ids in (["a"], [], None)],
)
def test_what_chooses_the_orders_is_a_part_of_the_key(
    make_source: MakeSource, monkeypatch: pytest.MonkeyPatch, cache: dict[str, t.Any], change: dict[str, t.Any]
) -> None:
    monkeypatch.setenv("HW_DOMAIN_ID", "of-the-environment")
    source = make_source("a=SUCCESS", **cache)
    source.parse()
    source.write(auth_token=None, **cache, hostname="{{ id }}")
    assert len(source.parse().hosts) == 1
    source.write(**{"auth_token": None, **cache, **change})
    # It can't be queried anew.
    has_null_ids = change.get("delivery_order_ids", []) is None
    assert ("delivery_order_ids is null" if has_null_ids else "no credential") in source.fail()


@pytest.mark.parametrize(
    ("intact", "broken"), [("}", ""), ("SUCCESS", "\xff"), ("effected_at", "x"), ("order-1", "{{ a }}")]
)
def test_a_broken_cache_is_fetched_anew(
    make_source: MakeSource, cache: dict[str, t.Any], tmp_path: Path, intact: str, broken: str
) -> None:
    source = make_source("order-1=SUCCESS", **cache, hostname="{{ id }}")
    source.parse()
    (file,) = (tmp_path / "cache").iterdir()
    good = file.read_text()
    file.write_text(good.replace(intact, broken), encoding="latin-1")
    assert set(source.parse().hosts) == {"order-1"}
    assert len(source.emulator.requests) == 2
    assert file.read_text() == good


# The ID that a play sees


@pytest.mark.parametrize(
    ("stages", "told", "files"),
    [
        (
            "demand",
            False,
            {"10": "[aachen]\na\n[all:vars]\ndelivery_order_id=o-1\n[aachen:vars]\ndelivery_order_id=o-2\n"},
        ),
        ("demand", True, {"10": "a\n[ungrouped:vars]\ndelivery_order_id=o-1\n[all:vars]\ndelivery_order_id=o-2\n"}),
        (
            "demand",
            False,
            {
                "10.yml": {"all": {"children": {"alpha": {"hosts": {"a": {}}}}}, "zeta": {"hosts": {"a": {}}}},
                "group_vars/alpha.yml": OF_BERLIN,
                "group_vars/zeta.yml": OF_MADRID,
            },
        ),
        (
            "demand",
            False,
            {
                "10.yml": {
                    "all": {"children": {"zeta": {"hosts": {"a": {}}, "vars": OF_BERLIN}}},
                    "west": {"children": {"alpha": {"hosts": {"a": {}}, "vars": OF_MADRID}}},
                },
            },
        ),
        ("demand", True, {"1/sites.yml": {"all": {"hosts": {"a": OF_MADRID}}}, "1/host_vars/a.yml": OF_BERLIN}),
        ("demand", True, {"1/sites.yml": {"all": {"hosts": {"a": OF_BERLIN}}}, "host_vars/a.yml": OF_MADRID}),
        ("start", True, {"10.yml": {"all": {"hosts": {"a": OF_BERLIN}}}, "host_vars/a.yml": OF_MADRID}),
        (
            "start",
            False,
            {
                "10.yml": {"dach": {"children": {"de": {"hosts": {"a": {}}, "vars": OF_MADRID}}}},
                "group_vars/dach.yml": OF_BERLIN,
            },
        ),
        (
            "start",
            False,
            {
                "10.yml": {"dach": {"children": {"de": {"hosts": {"a": {}}}}, "vars": OF_BERLIN}},
                "group_vars/de.yml": OF_MADRID,
            },
        ),
    ],
)
def test_no_site_is_sorted_by_another_order_than_the_one_that_a_play_sees(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, stages: str, told: bool, files: dict[str, t.Any]
) -> None:
    monkeypatch.setattr(C, "RUN_VARS_PLUGINS", stages)
    # ansible-core remembers how the setting was in tests before.
    should_run = plugins._plugin_should_run
    monkeypatch.setattr(plugins, "_plugin_should_run", getattr(should_run, "__wrapped__", should_run))
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"inventory": (str(folder.path),)}))
    folder.read({**files, "2/cloudpond.yml": folder.config("o-1=SUCCESS", "o-2=SUCCESS", "o-3=SUCCESS")})
    assert folder.variables("a")["delivery_order_id"] == "o-2"
    assert folder.variables("a").get("delivery_order", {}).get("id") == ("o-2" if told else None)
    assert ("a" in folder.hosts("cloudpond_success")) is told
    assert any("can't tell which delivery_order_id of the host 'a'" in each for each in folder.warnings) is not told


@pytest.mark.parametrize("later", ["[x]\na delivery_order_id=o-2\n", "[y]\na\n[y:vars]\ndelivery_order_id=o-2\n"])
def test_a_site_that_names_another_order_by_now_leaves_its_group(folder: Folder, later: str) -> None:
    folder.write({"10": "[x]\na\n[x:vars]\ndelivery_order_id=o-1\n", "30": later})
    # The second account has neither.
    folder.read({"20.cloudpond.yml": folder.config("o-1=SUCCESS"), "40.cloudpond.yml": folder.config("o-3=FAIL")})
    assert folder.hosts("cloudpond_success") == []
    assert folder.variables("a")["delivery_order"] is None
    assert any("takes out what doesn't belong there: a" in warning for warning in folder.warnings)


def test_a_site_leaves_its_group_even_if_host_vars_of_another_are_wrong(folder: Folder) -> None:
    stale = {"delivery_order": {"status": "SUCCESS"}}
    later = {"x": {"hosts": {"z": OF_BERLIN, "a": OF_MADRID, "b": {**OF_MADRID, **stale}}}}
    folder.write({"10.yml": {"x": {"hosts": {"a": OF_BERLIN}}}, "30.yml": later, "host_vars/z.yml": stale})
    folder.read({"20.cloudpond.yml": folder.config("o-1=SUCCESS"), "40.cloudpond.yml": folder.config("o-3=FAIL")})
    assert any("finds delivery_order in host_vars of the host 'z'" in warning for warning in folder.warnings)
    assert folder.hosts("cloudpond_success") == []
    assert [folder.variables(site)["delivery_order"] for site in "ab"] == [None, None]


def test_the_id_of_a_host_counts_more_than_that_of_a_group_and_null_is_none(folder: Folder) -> None:
    hosts = {"a": {"delivery_order_id": None}, "b": {}, "c": OF_MADRID}
    folder.write({"10.yml": {"all": {"vars": OF_BERLIN, "hosts": hosts}}})
    folder.read({"20.cloudpond.yml": folder.config("o-1=SUCCESS", "o-2=SUCCESS", "None=SUCCESS")})
    assert folder.hosts("cloudpond_success") == ["b", "c", "None"]


def test_a_file_with_another_name_opens_nothing(folder: Folder) -> None:
    by_hand = {"cloudpond_success": {"hosts": {"a": OF_BERLIN}}}
    folder.read({"10-sites.yml": by_hand, "20-orders.yml": folder.config("o-1=PROCESSING")})
    assert folder.hosts("cloudpond_success") == []
