# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections or plugins.

"""The state that the plugins of one run of Ansible share."""

from __future__ import annotations

from ansible import constants as C

from ..module_utils._refusals import Refusals

#: ansible-core loads the plugins that use it before it forks its workers, so the workers share it.
REFUSALS = Refusals(C.DEFAULT_LOCAL_TMP)  # type: ignore[attr-defined]  # ansible-core sets it as it loads
