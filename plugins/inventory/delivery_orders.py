# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: delivery_orders
short_description: Delivery orders of Huawei Cloud CloudPond as hosts
version_added: 1.0.0
author:
  - CloudPond collection contributors (!UNKNOWN)
description:
  - Sorts hosts by the status of their delivery orders, with one listing of the account.
  - An order whose ID is the variable C(delivery_order_id) of hosts from sources read before is the order of these
    hosts. The variable may stand on the host or one of its groups, in the inventory or in C(host_vars) and
    C(group_vars) beside it, but not beside a playbook in another folder. Each other order gets a host of its own.
  - The hosts of an order are in the group C(cloudpond), and in one of the groups C(cloudpond_cancelled),
    C(cloudpond_processing), C(cloudpond_accepting), C(cloudpond_success), C(cloudpond_fail) and C(cloudpond_deleted),
    by its status. These seven groups always exist, even without hosts. The six are children of C(cloudpond).
  - An order in any other status is only in C(cloudpond).
  - The hosts have the variable C(delivery_order) with the order as
    M(huaweicloud.cloudpond.cloudpond_delivery_order_info) returns it. Hosts that are made for an order have
    C(delivery_order_id), too. Nothing else of other hosts changes.
  - If the query fails, the inventory source fails. By default, Ansible then only warns, and goes on without the hosts.
  - The name of the configuration file must end in C(cloudpond.yml) or C(cloudpond.yaml). In a folder, Ansible reads the
    sources by their names, such as C(10-sites.yml) and then C(20.cloudpond.yml).
extends_documentation_fragment:
  - huaweicloud.cloudpond._connection
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - The name of this plugin.
    type: str
    required: true
    choices:
      - huaweicloud.cloudpond.delivery_orders
  domain_id:
    required: false
  secret_key:
    description:
      - The secret of the access key (SK). It never leaves the control node.
      - When no credential is given as options, E(HW_SECRET_KEY) or E(HUAWEICLOUD_SDK_SK), then C(sk) in the file is
        used, as the notes say.
  delivery_order_ids:
    description:
      - The IDs of the orders to create hosts for, instead of all orders of the account.
      - An empty list creates no hosts. V(null), and an empty string in the list, are errors.
      - The inventory source fails if one of the orders does not exist.
      - Excludes O(status).
    type: list
    elements: str
  status:
    description:
      - Create hosts only for orders that are in one of these statuses. An empty list means any status.
    type: list
    elements: str
    choices: [CANCELLED, PROCESSING, ACCEPTING, SUCCESS, FAIL, DELETED]
  page_size:
    description:
      - The number of orders in one page of the listing, from V(1) to V(2000), when all orders are queried.
    type: int
    default: 100
  hostname:
    description:
      - A template for the name of the host that an order gets. The fields of the order are its variables.
      - A host name may contain letters, digits, C(-), C(_) and C(.), and must begin with a letter, a digit or C(_). Any
        other name is an error, because Ansible could mistake it for a pattern, a template or an option. C(localhost),
        C(127.0.0.1) and the name of a group are errors too.
      - It is an error if two orders get the same host name.
    type: str
    default: "{{ name }}"
notes:
  - The plugin runs on the control node.
  - The connection options, O(delivery_order_ids), O(status) and O(page_size) may be templates, with lookups and extra
    variables, and vaulted values.
  - An unknown option is an error.
  - O(compose), O(groups) and O(keyed_groups) are for the hosts that the plugin makes. Their expressions see the
    variables of the host, such as C(delivery_order.edge_site_id). They can't add hosts to the seven groups, and can't
    set C(delivery_order_id) or C(delivery_order). For other hosts, use P(ansible.builtin.constructed#inventory) in a
    source read later.
  - A host whose C(delivery_order_id) belongs to no order joins no group. Three other kinds of hosts stay out, too, with
    a warning. The ID of the first is a template, which is not resolved. The second has no ID of its own, and its groups
    and their C(group_vars) disagree. The C(host_vars) of the third set C(delivery_order), which would hide the order.
  - Only this plugin decides about the six groups and C(delivery_order). What sources read before have put into these
    groups is taken out with a warning, and their C(delivery_order) of a host with a C(delivery_order_id) becomes null,
    even if the query fails. For a host that the plugin makes, C(delivery_order) or the C(delivery_order_id) of another
    order in C(host_vars) is an error. The plugin can't change what sources read later say.
  - The cache contains the orders, but no credential. Files that differ in O(endpoint), O(domain_id),
    O(delivery_order_ids) or O(status) never share an entry in it.
  - Guides in the folder C(docs/docsite/rst) of the collection explain more, above all
    R(Delivery orders as an inventory,ansible_collections.huaweicloud.cloudpond.docsite.inventory),
    R(Credentials,ansible_collections.huaweicloud.cloudpond.docsite.credentials) and
    R(Troubleshooting,ansible_collections.huaweicloud.cloudpond.docsite.troubleshooting).
seealso:
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_info
"""

EXAMPLES = r"""
# 20.cloudpond.yml: this line alone queries all orders of the account, with the connection from the environment. In
# 10-sites.yml beside it, each site has its delivery_order_id. Then a play on "hosts: cloudpond_success" is a gate. Set
# any_unparsed_is_failed in the section [inventory] of ansible.cfg, or Ansible only warns if the query fails.
plugin: huaweicloud.cloudpond.delivery_orders

# A credential of its own
domain_id: "{{ lookup('ansible.builtin.env', 'CLOUDPOND_ACCOUNT') }}"
access_key: "{{ cloudpond_access_key }}"
secret_key: "{{ cloudpond_secret_key }}"

# Names that are always good host names
hostname: "{{ id }}"

# A group for each edge site
keyed_groups:
  - key: delivery_order.edge_site_id
    prefix: site

# Cache the orders for ten minutes
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/cloudpond
cache_timeout: 600
"""

import contextlib
import hashlib
import json
import os
import re
import typing as t
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from weakref import WeakKeyDictionary

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.host import Host
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable, to_safe_group_name
from ansible.utils.unsafe_proxy import wrap_var
from ansible.vars.plugins import get_vars_from_path

from ..module_utils._auth import REQUESTS_IMPORT_ERROR
from ..module_utils._errors import CloudPondError
from ..module_utils._sanitize import one_line
from ..module_utils._settings import Sources, find_settings, is_valid_id
from ..module_utils._specification import FIELDS, STATUSES
from ..modules.cloudpond_delivery_order_info import INFO
from ..plugin_utils import _run
from ..plugin_utils._values import plain

try:
    # From ansible-core 2.19 on, text that is not trusted counts as marked.
    from ansible.template import trust_as_template as _trusted
except ImportError:
    _trusted = str  # type: ignore[assignment]  # not as general, but for text only

if t.TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.inventory.group import Group
    from ansible.parsing.dataloader import DataLoader

    from ..module_utils._specification import Order

GROUP = "cloudpond"
STATUS_GROUPS = {status: f"{GROUP}_{status.lower()}" for status in STATUSES}
_GROUPS = (GROUP, *STATUS_GROUPS.values())

#: The variables of a host.
_ID = "delivery_order_id"
_ORDER = "delivery_order"

DEFAULT_HOSTNAME = "{{ name }}"
_ADVICE = 'set hostname, for example to "{{ id }}"'

_FILE_NAMES = (f"{GROUP}.yml", f"{GROUP}.yaml")

#: Of the files in host_vars.
_FILE_ENDINGS: Sequence[str] = C.YAML_FILENAME_EXTENSIONS  # type: ignore[attr-defined]  # ansible-core is annotated in part only

#: The module's options, which are validated as in the module.
_SPEC = {name: spec for name, spec in INFO.argument_spec.items() if name != "delivery_order_id"}

#: A template that is only a variable, such as a field of the order.
_FIELD = re.compile(r"\{\{ *(\w+) *\}\}")

#: Excludes patterns, templates, ranges and lists of ansible-core, options of ssh, and paths.
_HOST_NAME = re.compile(r"\w[\w.-]*")

#: Names that systems have for themselves.
_CONTROL_NODE = re.compile(r"(.+\.)?(ip6-)?(localhost|loopback)[46]?(\.localdomain[46]?)?\.?|127[\d.]*", re.I)

#: Neither a template nor a part of one.
_HARMLESS = re.compile(r"[\w .:+-]*")

#: The orders by which the sources of this plugin have put hosts into the groups of an inventory, by host.
_placed: WeakKeyDictionary[InventoryData, dict[str, Order]] = WeakKeyDictionary()


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Creates a host for each delivery order, or finds the hosts that name it."""

    NAME = "huaweicloud.cloudpond.delivery_orders"

    #: Names that groups and keyed_groups must not use, or text from a server could open a gate.
    _reserved: Collection[str]

    if t.TYPE_CHECKING:
        # ansible-core is annotated in part only.
        inventory: InventoryData
        _vars: dict[str, t.Any]
        get_option: t.Callable[..., t.Any]
        _read_config_data: t.Callable[[str], Mapping[str, t.Any]]
        _set_composite_vars: t.Callable[..., None]
        _add_host_to_composed_groups: t.Callable[..., None]
        _add_host_to_keyed_groups: t.Callable[..., None]

    def verify_file(self, path: str) -> bool:
        # A wrong name is refused by parse, which can say why.
        is_readable: bool = super().verify_file(path)  # type: ignore[no-untyped-call]  # annotated in part only
        return is_readable and path.endswith((".yml", ".yaml"))

    def set_options(
        self, task_keys: t.Any = None, var_options: t.Any = None, direct: Mapping[str, t.Any] | None = None
    ) -> None:
        # ansible-core would check types before templates are resolved, and it reads any unknown word as false.
        others = {name: value for name, value in (direct or {}).items() if name not in _SPEC}
        # It would also resolve the default of hostname, without any order.
        if others.get("hostname") is None:
            others["hostname"] = DEFAULT_HOSTNAME
        super().set_options(task_keys, var_options, others)  # type: ignore[no-untyped-call]  # annotated in part only

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        # From ansible-core 2.19 on, each plugin gets its own wrapper of the inventory.
        unwrapped = getattr(inventory, "__wrapped__", inventory)
        placed = _placed.setdefault(unwrapped, {})
        self._close(placed)
        if not path.endswith(_FILE_NAMES):
            raise AnsibleParserError(
                f"the name of a file with plugin: {self.NAME} must end in {' or '.join(_FILE_NAMES)}"
            )
        folders = self._find_folders(path)
        try:
            sites = self._find_sites(folders, placed)
        finally:
            # A host that names another order by now has left its place.
            self._close(placed)
        hosts = self._find_hosts(self._find_orders(config, path, cache), sites, folders)
        with _undone_on_failure(unwrapped):
            self._populate(hosts, sites)
        placed.update(hosts)

    # The hosts of the sources read before

    def _close(self, placed: Mapping[str, Order]) -> None:
        """
        Take out of the groups of the statuses what other sources have put there. It stays out if the query fails.

        :param placed: The orders by which this plugin has put hosts there, by host.
        """
        own = {name: _group_of(order) for name, order in placed.items()}
        for group in [self.inventory.groups[name] for name in STATUS_GROUPS.values() if name in self.inventory.groups]:
            strangers = [host for host in group.hosts if own.get(host.name) != group.name]
            children = list(group.child_groups)
            for host in strangers:
                group.remove_host(host)
            for child in children:
                group.child_groups.remove(child)
                child.parent_groups.remove(group)
                group.clear_hosts_cache()
            self._regroup([*strangers, *(host for child in children for host in child.get_hosts())])
            names = [*(host.name for host in strangers), *(child.name for child in children)]
            if names:
                self._warn(
                    f"decides what is in the group {group.name}, and takes out what doesn't belong there: "
                    f"{', '.join(names)}"
                )

    def _regroup(self, hosts: Iterable[Host]) -> None:
        """Find the groups of hosts anew: ansible-core forgets some when it removes one."""
        for host in hosts:
            host.groups = []
            for group in self.inventory.groups.values():
                if host.name in group.host_names:
                    host.add_group(group)

    def _find_folders(self, path: str) -> list[str]:
        """Return the folders where a play finds group_vars and host_vars."""
        # A play does not look into folders within a folder that the command names, but finds sources there.
        named = context.CLIARGS.get("inventory") or (*self.inventory.processed_sources, path)
        sources = [source for source in named if source and (os.path.exists(source) or "," not in source)]
        folders = [source if os.path.isdir(source) else os.path.dirname(source) for source in sources]
        return [*dict.fromkeys(folders)]

    def _find_sites(self, folders: Sequence[str], placed: dict[str, Order]) -> dict[str, str]:
        """
        Return the IDs of the orders that hosts name, by host. The empty ID stands for one that is unclear.

        The ID may stand where a play finds it: in a file for the host beside the sources, else at the host, else at its
        groups and in files for them.

        :param placed: The orders that hosts have from this plugin. A host that names another one by now is taken out.
            Another ``delivery_order`` is replaced by null.
        """
        of_groups = {group.name: self._find_variables(folders, group) for group in self.inventory.groups.values()}
        # A host leaves this group when it joins another.
        of_groups["ungrouped"] = []
        sites: dict[str, str] = {}
        for host in self.inventory.hosts.values():
            # ansible-core adds the group `all` after the last source.
            groups = {"all", *(group.name for group in host.get_groups())}
            shared = [variables for group in sorted(groups) for variables in of_groups[group]]
            own, *files = self._find_variables(folders, host)
            ids = _values(files, _ID) or _values([own], _ID) or _values(shared, _ID)
            if not ids:
                continue
            sites[host.name] = self._choose(host.name, [str(plain(each) or "") for each in ids], files)
            if host.name in placed and placed[host.name]["id"] != sites[host.name]:
                del placed[host.name]
            orders = _values([own], _ORDER) or _values(shared, _ORDER)
            if any(order not in (None, placed.get(host.name)) for order in orders):
                host.set_variable(_ORDER, None)
        return sites

    def _choose(self, host: str, ids: Sequence[str], files: Iterable[Mapping[str, t.Any]]) -> str:
        """
        Return the ID of a host's order. If the host must stay out of the groups, warn, and return the empty ID.

        :param ids: The IDs in the places that count for the host.
        :param files: The variables in its files.
        """
        if len(set(ids)) > 1:
            # Which of them counts in a play depends on settings, too.
            reason = f"can't tell which {_ID} of the host {host!r} counts: {', '.join(map(repr, dict.fromkeys(ids)))}"
        elif "{{" in ids[0] or "{%" in ids[0]:
            reason = f"doesn't resolve the template in {_ID} of the host {host!r}"
        elif _hides(files):
            reason = f"finds {_ORDER} in host_vars of the host {host!r}, which would hide its order"
        else:
            return ids[0]
        self._warn(f"{reason}. It stays out of its groups")
        return ""

    def _find_variables(self, folders: Sequence[str], entity: Host | Group) -> list[Mapping[str, t.Any]]:
        """Return the own variables of a host or a group: those of the sources, then each file's beside them."""
        # The settings of ansible-core name one stage or both for each vars plugin.
        files = [
            get_vars_from_path(self.loader, folder, [entity], stage)
            for folder in folders
            for stage in ("inventory", "task")
        ]
        return [entity.vars, *files]

    def _warn(self, text: str) -> None:
        self.display.warning(f"The inventory plugin {self.NAME} {text}.")

    # The orders

    def _find_orders(self, config: Mapping[str, t.Any], path: str, cache: bool) -> list[Order]:
        """
        Take the orders from the cache, else from the API.

        :param config: What is in the file.
        :param cache: Whether the cache may be read. If the file enables the cache, it is written in any case.
        :raises AnsibleParserError: if an option can't be used, or if the query fails.
        """
        given, params = self._find_options(config)
        key = self._cache_key(path, given, params) if self.get_option("cache") else ""
        orders = self._read_cache(key) if key and cache else None
        if orders is None:
            result = INFO.answer(params, given, refusals=_run.REFUSALS)
            if result.get("failed"):
                raise AnsibleParserError(result["msg"])
            orders = t.cast("list[Order]", result["delivery_orders"])
            if key:
                # As text, because some keys have a special meaning for the encoders of cache plugins.
                self._cache[key] = json.dumps(orders)
                # ansible-core would write it after the hosts are added, and an error would then leave them behind.
                self.update_cache_if_changed()
        return orders

    def _find_options(self, config: Mapping[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """
        :return: The module's options that are in the file, and all of them, validated.
        :raises AnsibleParserError: if one can't be used.
        """
        if REQUESTS_IMPORT_ERROR:
            raise AnsibleParserError(missing_required_lib("requests"))
        unknown = sorted(str(name) for name in config if name not in _SPEC and name not in self._options)
        if unknown:
            raise AnsibleParserError(f"{' and '.join(unknown)}: the plugin {self.NAME} has no such option")
        own = sorted({_ID, _ORDER} & set(self.get_option("compose") or ()))
        if own:
            # A gate would query an order that is not the host's.
            raise AnsibleParserError(f"compose sets {own[0]}, which is a variable of this plugin: choose another name")
        given = {name: self._resolve(name, config[name]) for name in _SPEC if name in config}
        # Null counts as left out, except for IDs: nobody may have meant to list everything instead.
        given = {name: value for name, value in given.items() if value is not None or name in INFO.ids}
        validation = ArgumentSpecValidator(_SPEC, [("delivery_order_ids", "status")]).validate(given)
        if validation.error_messages:
            raise AnsibleParserError(validation.errors.msg)
        return given, {**given, **validation.validated_parameters}

    def _resolve(self, name: str, value: t.Any) -> t.Any:
        """
        Return an option's value as a module would get it: templates resolved, decrypted, without marks.

        :raises AnsibleParserError: if that fails. The message has no part of a secret, even of one with braces in it.
        """
        self.templar.available_variables = self._vars
        try:
            return plain(self.templar.template(value))
        except Exception as error:
            reason = str(error)
            # ansible-core repeats what it takes for a template. An endpoint can contain a password.
            if _SPEC[name].get("no_log") or name == "endpoint":
                reason = (
                    "the reason is not shown, because it could contain a part of a secret. Is each of its variables "
                    "defined, and is the vault password there? A value with braces that is no template needs !unsafe"
                )
            raise AnsibleParserError(one_line(f"{name} can't be resolved: {reason}")) from None

    def _cache_key(self, path: str, given: Mapping[str, t.Any], params: Mapping[str, t.Any]) -> str:
        try:
            settings = find_settings(Sources({name: params[name] for name in given}, os.environ))
        except CloudPondError as error:
            raise AnsibleParserError(str(error)) from None
        chosen = {name: params[name] for name in ("delivery_order_ids", "status") if name in given}
        facts = [path, settings.endpoint.base_url, settings.domain_id, chosen]
        return f"{self.NAME}_{hashlib.sha256(json.dumps(facts).encode()).hexdigest()}"

    def _read_cache(self, key: str) -> list[Order] | None:
        """Return the orders in the cache, None if there are none or if the cache is broken."""
        try:
            orders: list[Order] = json.loads(self._cache[key])
            intact = all(is_valid_id(order["id"]) and order.keys() >= set(FIELDS) for order in orders)
        except (AttributeError, KeyError, TypeError, ValueError, AnsibleError):
            return None
        return orders if intact else None

    # Their hosts

    def _find_hosts(
        self, orders: Iterable[Order], sites: Mapping[str, str], folders: Sequence[str]
    ) -> dict[str, Order]:
        """
        :param sites: The IDs of the orders that hosts name, by host.
        :return: The orders, marked, by the names of their hosts: those that name them, else a new one for each.
        :raises AnsibleParserError: if a new name is not a valid host name, is already in use, or has host_vars that
            would hide the order.
        """
        # An order can appear twice if it moves to another page of the listing. The later answer is newer.
        unique = {order["id"]: t.cast("Order", _mark(order)) for order in orders}
        hosts = {name: unique[order_id] for name, order_id in sites.items() if order_id in unique}
        named = set(sites.values())
        places = [os.path.join(folder, "host_vars") for folder in folders]
        host_vars = {file for place in places if os.path.isdir(place) for file in os.listdir(place)}
        for order in [order for order_id, order in unique.items() if order_id not in named]:
            name = self._host_name(order)
            wrong = ""
            if not _HOST_NAME.fullmatch(name):
                wrong = (
                    "which Ansible could mistake for a pattern, a template or an option: a host name may contain "
                    "letters, digits, '-', '_' and '.', and must begin with a letter, a digit or '_'"
                )
            elif _CONTROL_NODE.fullmatch(name):
                wrong = "which is the control node"
            elif name in self.inventory.groups or name in _GROUPS:
                wrong = "which is the name of a group"
            elif name in sites:
                wrong = f"which another source uses for the delivery order {sites[name]!r}"
            elif name in hosts:
                wrong = f"which {_describe(hosts[name])} gets too"
            if wrong:
                raise AnsibleParserError(f"{_describe(order)} gets the host name {name!r}, {wrong}: {_ADVICE}")
            # ansible-core remembers that a host has no file, and would overlook one that the run writes later.
            has_files = host_vars & {name, *(name + ending for ending in _FILE_ENDINGS)}
            files = self._find_variables(folders, Host(name)) if has_files else []
            if any(str(plain(each)) != order["id"] for each in _values(files, _ID)):
                raise AnsibleParserError(f"host_vars set {_ID} of the host {name!r}, which is made for another order")
            if _hides(files):
                raise AnsibleParserError(f"host_vars set {_ORDER} of the host {name!r}, which would hide its order")
            hosts[name] = order
        return hosts

    def _host_name(self, order: Order) -> str:
        hostname = self.get_option("hostname")
        # ansible-core compiles a template again for each order, which takes far longer than everything else.
        field = _FIELD.fullmatch(hostname)
        if field and field[1] in FIELDS:
            return plain(order[field[1]]) or ""
        self.templar.available_variables = order
        try:
            value = plain(self.templar.template(hostname))
        except AnsibleError as error:
            raise AnsibleParserError(
                one_line(f"{_describe(order)} gets no host name, since hostname can't be resolved: {error}")
            ) from None
        return "" if value is None else str(value)

    def _populate(self, hosts: Mapping[str, Order], sites: Collection[str]) -> None:
        """
        Add the hosts to the inventory and to the groups.

        :param hosts: The marked orders, by the names of their hosts.
        :param sites: The hosts that name an order. They keep all else that other sources say of them.
        :raises AnsibleError: if ansible-core can't use one of the constructed options.
        """
        self._reserved = {*hosts, *_GROUPS}
        for group in _GROUPS:
            self.inventory.add_group(group)
            if group != GROUP:
                self.inventory.add_child(GROUP, group)
        strict = self.get_option("strict")
        for name, order in hosts.items():
            self.inventory.add_host(name)
            host = self.inventory.hosts[name]
            # Not by the inventory, which would take a group of the same name.
            host.set_variable(_ORDER, order)
            if name not in sites:
                host.set_variable(_ID, order["id"])
                variables = {_ID: order["id"], _ORDER: order}
                self._set_composite_vars(self.get_option("compose"), variables, name, strict)
                self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
                self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)
            # Another source of this plugin may have put it into a group, by an older answer.
            for group in STATUS_GROUPS.values():
                self.inventory.groups[group].remove_host(host)
            self.inventory.add_host(name, _group_of(order))

    def _sanitize_group_name(self, name: str) -> str:
        """Return a safe group name for a result of the constructed options, which may contain text from the server."""
        group: str = to_safe_group_name(name)
        if group in self._reserved or group in self.inventory.hosts:
            what = "a group of this plugin" if group in _GROUPS else "the name of a host"
            raise AnsibleParserError(
                f"groups or keyed_groups create the group {group!r}, which is {what}: set a prefix"
            )
        return group


@contextlib.contextmanager
def _undone_on_failure(inventory: InventoryData) -> Iterator[None]:
    """
    Restore the inventory, with all its hosts and groups, if there is an exception: ansible-core can't undo a change.

    Constructed options change what other sources made, too.
    """
    # Values are replaced, not changed in place. Only the collections of hosts, groups and variables grow.
    saved = [
        (
            vars(item),
            {
                name: value.copy() if isinstance(value, (dict, list, set)) else value
                for name, value in vars(item).items()
            },
        )
        for item in (inventory, *inventory.groups.values(), *inventory.hosts.values())
    ]
    try:
        yield
    except BaseException:
        for attributes, before in saved:
            attributes.clear()
            attributes.update(before)
        raise


def _values(places: Iterable[Mapping[str, t.Any]], name: str) -> list[t.Any]:
    """Return the values of a variable, in each of the places that have it."""
    return [variables[name] for variables in places if name in variables]


def _hides(files: Iterable[Mapping[str, t.Any]]) -> bool:
    """Return whether files for a host set its order, which they would do in a play, whatever this plugin says."""
    return any(order is not None for order in _values(files, _ORDER))


def _group_of(order: Order) -> str:
    """Return the group that the hosts of an order are put into."""
    return STATUS_GROUPS.get(order["status"], GROUP)


def _mark(value: t.Any) -> t.Any:
    """Mark text so that it is never evaluated. What can't be a template needs no mark, and is easier to read."""
    if isinstance(value, dict):
        return {_mark(key): _mark(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mark(item) for item in value]
    if isinstance(value, str) and _HARMLESS.fullmatch(value):
        return _trusted(value)
    return wrap_var(value)


def _describe(order: Order) -> str:
    return one_line(f"the delivery order {plain(order['name'])!r} ({plain(order['id'])!r})")
