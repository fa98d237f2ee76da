# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action:
    description: Has an action plugin of the same name, which runs on the control node.
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check mode), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that the system controlled or queried by the module has not changed in a relevant way.
"""

    # For every module that only queries.
    INFO_MODULE = r"""
options: {}
attributes:
  action:
    support: full
    details:
      - On the control node, Ansible's own process sends the query, and starts no Python for it.
      - A task is shipped as a module if its connection is not C(local), if it has C(become) or C(async), on macOS, or
        if Ansible's own Python lacks C(requests). The result is the same.
  check_mode:
    support: full
    details:
      - This action does not modify state.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: full
    details:
      - This action does not modify state.
"""

    # For the gate.
    GATE = r"""
options: {}
attributes:
  action:
    support: full
    details:
      - It always runs in Ansible's own process, on the control node.
  async:
    description: Supports being used with the C(async) keyword.
    support: none
  check_mode:
    support: full
    details:
      - This action does not modify state.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: full
    details:
      - This action does not modify state.
"""

    ACTIONGROUP_CLOUDPOND = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/huaweicloud.cloudpond.cloudpond) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - huaweicloud.cloudpond.cloudpond
"""
