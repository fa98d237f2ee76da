# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the place of ansible-core's local connection: tasks are shipped as modules, though they run on this machine."""

from __future__ import annotations

# Read without being executed, so the options that are used stand here as ansible-core has them.
DOCUMENTATION = r"""
name: local
short_description: Ships tasks to this machine
description:
  - Does what ansible-core's plugin does, under the name of another transport.
author: CloudPond collection contributors
extends_documentation_fragment:
  - connection_pipelining
"""

import sys

# Ansible gives this module the name of the original, which can be imported only when the name is free again. It also
# finds the original by that name, for those that ask for ansible.builtin.local.
sys.modules.pop(__name__, None)

from ansible.plugins.connection.local import Connection as LocalConnection


class Connection(LocalConnection):
    """The local connection, which does not look like it."""

    transport = "shipped"
