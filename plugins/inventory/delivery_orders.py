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
  - Creates a host for each delivery order of the account, with one listing for all of them.
  - Each host is in the group C(cloudpond), and in one of the groups C(cloudpond_cancelled), C(cloudpond_processing),
    C(cloudpond_accepting), C(cloudpond_success), C(cloudpond_fail) and C(cloudpond_deleted), by the status of its
    order. These seven groups always exist, even without hosts. The six are children of C(cloudpond).
  - An order in any other status is only in C(cloudpond).
  - Each host has the variables C(delivery_order_id), and C(delivery_order) with the order as
    M(huaweicloud.cloudpond.cloudpond_delivery_order_info) returns it.
  - If the query fails, the inventory source fails. By default, Ansible then only warns, and goes on without the hosts.
  - The name of the configuration file must end in C(cloudpond.yml) or C(cloudpond.yaml).
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
      - A template for the name of an order's host. The fields of the order are its variables.
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
  - The expressions in O(compose), O(groups) and O(keyed_groups) see the variables of the host, such as
    C(delivery_order.edge_site_id). They can't add hosts to the seven groups, and can't set C(delivery_order_id) or
    C(delivery_order).
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
# orders.cloudpond.yml: this line alone queries all orders of the account, with the connection from the environment
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

import functools
import hashlib
import ipaddress
import json
import os
import re
import socket
import typing as t
import unicodedata
from collections.abc import Collection, Mapping
from weakref import WeakKeyDictionary

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError, AnsibleUndefinedVariable
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable, to_safe_group_name
from ansible.utils.unsafe_proxy import wrap_var

from ..module_utils._auth import REQUESTS_IMPORT_ERROR
from ..module_utils._credentials import find_credential
from ..module_utils._errors import CloudPondError
from ..module_utils._sanitize import one_line
from ..module_utils._settings import find_settings, is_segment
from ..module_utils._specification import FIELDS, STATUSES
from ..modules.cloudpond_delivery_order_info import INFO
from ..plugin_utils import _run
from ..plugin_utils._values import plain

try:
    # Before ansible-core 2.19, the result of a template becomes a number or a list if its text looks like one.
    from ansible.template import AnsibleEnvironment  # type: ignore[attr-defined]  # 2.19 removed it
except ImportError:
    AnsibleEnvironment = None

if t.TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar

    from ..module_utils._specification import Order

GROUP = "cloudpond"
DEFAULT_HOSTNAME = "{{ name }}"

STATUS_GROUPS = {status: f"{GROUP}_{status.lower()}" for status in STATUSES}

_GROUPS = (GROUP, *STATUS_GROUPS.values())

_ADVICE = 'set hostname, for example to "{{ id }}"'

#: The variables of a host, by their names. Each value is a function of the order.
_VARIABLES: dict[str, t.Callable[[Order], t.Any]] = {
    "delivery_order_id": lambda order: order["id"],
    "delivery_order": lambda order: order,
}

#: The module's options, which are validated as in the module.
_SPEC = {name: spec for name, spec in INFO.argument_spec.items() if name != "delivery_order_id"}

#: A template that is only a variable, such as a field of the order.
_FIELD = re.compile(r"\{\{ *(\w+) *\}\}")

#: Excludes patterns, templates, ranges and lists of ansible-core, options of ssh, and paths.
_HOST_NAME = re.compile(r"\w[\w.-]*")

#: Names that systems have for themselves, in addition to those that ansible-core knows.
_LOCALHOST = re.compile(r"(ip6-)?localhost[46]?(\.localdomain[46]?)?|ip6-loopback|.*\.localhost")

#: The errors of refused credentials, by endpoint and secrets. Several plugins of ansible-core can try one source, and
#: many sources can have the same credential, but the vendor locks a key that is refused repeatedly.
_refused: WeakKeyDictionary[InventoryData, dict[tuple[str, ...], str]] = WeakKeyDictionary()


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Creates a host for each delivery order."""

    NAME = "huaweicloud.cloudpond.delivery_orders"

    #: A template.
    _hostname: str
    #: Names that groups and keyed_groups must not use. Otherwise text from a server could open a gate.
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
        update_cache_if_changed: t.Callable[[], None]

    def verify_file(self, path: str) -> bool:
        is_readable: bool = super().verify_file(path)  # type: ignore[no-untyped-call]  # annotated in part only
        return is_readable and path.endswith((f"{GROUP}.yml", f"{GROUP}.yaml"))

    def set_options(
        self, task_keys: t.Any = None, var_options: t.Any = None, direct: Mapping[str, t.Any] | None = None
    ) -> None:
        # ansible-core would check types before templates are resolved, and it reads any unknown word as false.
        others = {name: value for name, value in (direct or {}).items() if name not in _SPEC}
        # It would also resolve the default of hostname, without any order.
        if others.get("hostname") is None:
            others["hostname"] = ""
        super().set_options(task_keys, var_options, others)  # type: ignore[no-untyped-call]  # annotated in part only

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        self._hostname = self.get_option("hostname") if config.get("hostname") is not None else DEFAULT_HOSTNAME
        if REQUESTS_IMPORT_ERROR:
            raise AnsibleParserError(missing_required_lib("requests"))
        unknown = sorted(str(name) for name in config if name not in _SPEC and name not in self._options)
        if unknown:
            raise AnsibleParserError(f"{' and '.join(unknown)}: the plugin {self.NAME} has no such option")
        own = sorted(_VARIABLES.keys() & (self.get_option("compose") or {}))
        if own:
            # Otherwise a gate would query an order that is not the host's.
            raise AnsibleParserError(f"compose sets {own[0]}, which is a variable of this plugin: choose another name")
        given = {name: self._resolve(name, config[name]) for name in _SPEC if name in config}
        # Null counts as left out, except for IDs: nobody may have meant to list everything instead.
        given = {name: value for name, value in given.items() if value is not None or name in INFO.ids}
        validation = ArgumentSpecValidator(_SPEC, [("delivery_order_ids", "status")]).validate(given)
        if validation.error_messages:
            raise AnsibleParserError(validation.errors.msg)
        try:
            orders = self._find_orders({**given, **validation.validated_parameters}, given, path, cache)
        except CloudPondError as error:
            raise AnsibleParserError(str(error)) from None
        self._populate(self._name_hosts(orders))

    def _resolve(self, name: str, value: t.Any) -> t.Any:
        """
        Return an option's value as a module would get it: templates resolved, decrypted, without marks.

        :raises AnsibleParserError: if that fails. The message has no part of a secret, even of one with braces in it.
        """
        self.templar.available_variables = self._vars
        try:
            return plain(self.templar.template(value))
        except Exception as error:
            reason = self._reason(name, value, error)
            raise AnsibleParserError(one_line(f"{name} can't be resolved: {reason}")) from None

    def _reason(self, name: str, value: t.Any, error: Exception) -> str:
        # An endpoint can contain a password.
        is_secret = _SPEC[name].get("no_log") or name == "endpoint"
        if not is_secret:
            return str(error)
        # ansible-core repeats templates and names that it finds in them, but they could be in the middle of a secret.
        variable = _FIELD.fullmatch(value) if isinstance(value, str) else None
        if variable and variable[1] not in self._vars and isinstance(error, AnsibleUndefinedVariable):
            return f"{variable[1]!r} is undefined"
        # From ansible-core 2.19 on, only the text tells.
        if "no vault secrets" in str(error):
            return "it is vaulted, and Ansible has no vault password that decrypts it"
        return (
            "the reason is not shown, because it could contain a part of a secret (if the value contains braces and is "
            "not a template, write !unsafe before it)"
        )

    # The orders

    def _find_orders(self, params: dict[str, t.Any], given: Mapping[str, t.Any], path: str, cache: bool) -> list[Order]:
        """
        Take the orders from the cache, else from the API.

        :param params: The module's options, validated.
        :param given: The options that are in the file.
        :param cache: Whether the cache may be read. If the file enables the cache, it is written in any case.
        :raises CloudPondError: if a connection setting can't be used.
        :raises AnsibleParserError: if the query fails.
        """
        settings = find_settings({name: params[name] for name in given}, os.environ)
        key = ""
        if self.get_option("cache"):
            chosen = {name: params[name] for name in ("delivery_order_ids", "status") if name in given}
            facts = [path, settings.endpoint.base_url, settings.domain_id, chosen]
            key = f"{self.NAME}_{hashlib.sha256(json.dumps(facts).encode()).hexdigest()}"
            orders = self._read_cache(key) if cache else None
            if orders is not None:
                return orders
        orders = self._query(params, given, settings.endpoint.base_url)
        if key:
            # As text, because some keys have a special meaning for the encoders of cache plugins.
            self._cache[key] = json.dumps(orders)
            # ansible-core would write it after the hosts are added, and an error would then leave them behind.
            self.update_cache_if_changed()
        return orders

    def _read_cache(self, key: str) -> list[Order] | None:
        """Return the orders in the cache, None if there are none or if the cache was changed."""
        try:
            orders = json.loads(self._cache[key])
        except (KeyError, TypeError, ValueError, AnsibleError):
            return None
        if not isinstance(orders, list) or not all(_is_order(order) for order in orders):
            return None
        return orders

    def _query(self, params: dict[str, t.Any], given: Mapping[str, t.Any], endpoint: str) -> list[Order]:
        # From ansible-core 2.19 on, each plugin gets its own wrapper of the inventory.
        refused = _refused.setdefault(getattr(self.inventory, "__wrapped__", self.inventory), {})
        auth = find_credential({name: params[name] for name in given}, os.environ)
        key = (endpoint, *auth.secrets)
        if key in refused:
            raise AnsibleParserError(refused[key])
        result = INFO.answer(params, given, refusals=_run.REFUSALS)
        if result.get("failed"):
            if (result.get("error") or {}).get("http_status") == 401:
                refused[key] = result["msg"]
            raise AnsibleParserError(result["msg"])
        return t.cast("list[Order]", result["delivery_orders"])

    # The hosts

    def _name_hosts(self, orders: list[Order]) -> dict[str, Order]:
        """
        :return: The orders by the names of their hosts, marked so that text from the server is never evaluated.
        :raises AnsibleParserError: if a name is not a valid host name, or is already in use.
        """
        named: dict[str, Order] = {}
        for order in t.cast("list[Order]", wrap_var(orders)):
            name = self._host_name(order)
            # An order can appear twice if it moves to another page of the listing. The later answer is newer.
            if name in named and named[name]["id"] != order["id"]:
                raise AnsibleParserError(
                    f"{_describe(named[name])} and {_describe(order)} get the same host name, {name!r}: {_ADVICE}"
                )
            named[name] = order
        return named

    def _host_name(self, order: Order) -> str:
        name = self._resolve_host_name(order)
        if not name:
            raise AnsibleParserError(f"{_describe(order)} gets an empty host name: {_ADVICE}")
        gets = f"{_describe(order)} gets the host name {name!r},"
        if not _HOST_NAME.fullmatch(name):
            raise AnsibleParserError(
                f"{gets} which Ansible could mistake for a pattern, a template or an option: a host name may contain "
                f"letters, digits, '-', '_' and '.', and must begin with a letter, a digit or '_': {_ADVICE}"
            )
        if _is_control_node(name):
            raise AnsibleParserError(f"{gets} which is the control node: {_ADVICE}")
        if name in self.inventory.groups or name in _GROUPS:
            raise AnsibleParserError(f"{gets} which is the name of a group: {_ADVICE}")
        known = self.inventory.hosts.get(name)
        known_id = known.vars.get("delivery_order_id") if known else None
        if is_segment(known_id) and known_id != order["id"]:
            raise AnsibleParserError(f"{gets} which another source uses for the delivery order {known_id!r}: {_ADVICE}")
        return name

    def _resolve_host_name(self, order: Order) -> str:
        # ansible-core compiles a template again for each order, which takes far longer than everything else.
        field = _FIELD.fullmatch(self._hostname)
        if field and field[1] in FIELDS:
            return plain(order[field[1]]) or ""
        self._hostname_templar.available_variables = order
        arguments: dict[str, t.Any] = {} if AnsibleEnvironment is None else {"convert_data": False}
        try:
            value = self._hostname_templar.template(self._hostname, **arguments)
        except AnsibleError as error:
            raise AnsibleParserError(
                one_line(f"{_describe(order)} gets no host name, since hostname can't be resolved: {error}")
            ) from None
        return "" if value is None else str(plain(value))

    @functools.cached_property
    def _hostname_templar(self) -> Templar:
        if AnsibleEnvironment is None:
            return self.templar
        return self.templar.copy_with_new_env(environment_class=AnsibleEnvironment)

    def _populate(self, hosts: dict[str, Order]) -> None:
        """
        Add the hosts. The groups come last, so a play can't use any part of an inventory that fails.

        :param hosts: The marked orders, by the names of their hosts.
        :raises AnsibleParserError: if ansible-core can't use one of the constructed options, or can't create the
            groups. After this and any other exception, the inventory is as it was before.
        """
        self._reserved = {*hosts, *_GROUPS}
        restore = _remember(getattr(self.inventory, "__wrapped__", self.inventory))
        try:
            for name, order in hosts.items():
                self.inventory.add_host(name)
                variables = {variable: read(order) for variable, read in _VARIABLES.items()}
                for variable, value in variables.items():
                    self.inventory.set_variable(name, variable, value)
                self._construct(name, variables)
            self._add_groups(hosts)
        except BaseException:
            # A program that goes on after Ctrl-C must not see a part of the inventory either.
            restore()
            raise

    def _construct(self, name: str, variables: dict[str, t.Any]) -> None:
        strict = self.get_option("strict")
        steps: dict[str, t.Callable[..., None]] = {
            "compose": self._set_composite_vars,
            "groups": self._add_host_to_composed_groups,
            "keyed_groups": self._add_host_to_keyed_groups,
        }
        for option, add in steps.items():
            try:
                add(self.get_option(option), variables, name, strict)
            except AnsibleParserError:
                raise
            except Exception as error:
                # ansible-core doesn't check what is in these options. A number instead of a name is a TypeError.
                reason = str(error) or repr(error)
                raise AnsibleParserError(one_line(f"{option} can't be used for the host {name!r}: {reason}")) from None

    def _add_groups(self, hosts: dict[str, Order]) -> None:
        for group in _GROUPS:
            self.inventory.add_group(group)
            if group != GROUP:
                try:
                    self.inventory.add_child(GROUP, group)
                except AnsibleError as error:
                    # Another source has them the other way round.
                    raise AnsibleParserError(
                        one_line(f"{group!r} can't become a child of the group {GROUP!r}: {error}")
                    ) from None
        for name, order in hosts.items():
            self.inventory.add_host(name, STATUS_GROUPS.get(order["status"], GROUP))

    def _sanitize_group_name(self, name: str) -> str:
        """Return a safe group name for a result of the constructed options, which may contain text from the server."""
        group: str = to_safe_group_name(name)
        if group in self._reserved or group in self.inventory.hosts:
            what = "a group of this plugin" if group in _GROUPS else "the name of a host"
            raise AnsibleParserError(
                f"groups or keyed_groups create the group {group!r}, which is {what}: set a prefix"
            )
        return group


def _remember(inventory: InventoryData) -> t.Callable[[], None]:
    """
    Return a function that restores the inventory, with all its hosts and groups, as it is now.

    ansible-core can't undo a change. Constructed options can also change what other sources made: the variables and
    groups of their hosts, and the parents of their groups.
    """
    # Values are replaced, not changed in place. Only the collections of hosts, groups and variables grow.
    saved = [
        (item, {name: _copy_of(value) for name, value in vars(item).items()})
        for item in (inventory, *inventory.groups.values(), *inventory.hosts.values())
    ]

    def restore() -> None:
        for item, attributes in saved:
            vars(item).clear()
            vars(item).update(attributes)

    return restore


def _copy_of(value: t.Any) -> t.Any:
    return value.copy() if isinstance(value, (dict, list, set)) else value


def _is_order(value: t.Any) -> bool:
    return (
        isinstance(value, dict)
        and all(field in value and isinstance(value[field], (str, type(None))) for field in FIELDS)
        and is_segment(value["id"])
    )


def _is_control_node(name: str) -> bool:
    plain_name = unicodedata.normalize("NFKC", name).lower().rstrip(".")
    if plain_name in C.LOCALHOST or _LOCALHOST.fullmatch(plain_name):
        return True
    try:
        # The system also reads forms such as 127.1 and 0x7f000001 as addresses.
        address = ipaddress.ip_address(socket.inet_aton(plain_name))
    except OSError:
        return False
    return address.is_loopback or address.is_unspecified


def _describe(order: Order) -> str:
    return one_line(f"the delivery order {plain(order['name'])!r} ({plain(order['id'])!r})")
