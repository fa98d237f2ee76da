# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections or plugins.

"""The state that the plugins of one run of Ansible share."""

from __future__ import annotations

from ansible import constants as C
from ansible.utils.display import Display

from ..module_utils._refusals import Refusals

#: ansible-core makes this directory for one run as it loads, and its workers share it.
REFUSALS = Refusals(C.DEFAULT_LOCAL_TMP, Display().warning)  # type: ignore[attr-defined]  # ansible-core is annotated in part only
