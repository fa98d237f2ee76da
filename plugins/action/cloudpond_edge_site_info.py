# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..modules.cloudpond_edge_site_info import INFO
from ..plugin_utils._action import InfoAction


class ActionModule(InfoAction):
    """Answers cloudpond_edge_site_info; the module has the documentation."""

    info = INFO
