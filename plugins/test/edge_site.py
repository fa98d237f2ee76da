# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ..module_utils._specification import AVAILABLE
from ..plugin_utils._answers import SITES, read

if t.TYPE_CHECKING:
    from collections.abc import Callable


def edge_site_available(value: object) -> bool:
    """
    :param value: A registered result of the module, also of a loop, a site, or a list of sites.
    :return: Whether there is at least one site, and every site is available.
    :raises AnsibleFilterError: for anything else, and for a listing of the account.
    """
    answers = read(value, "huaweicloud.cloudpond.edge_site_available", SITES, takes_listing=False)
    return all(answer.all_are(AVAILABLE) for answer in answers)


class TestModule:
    """Tells ansible-core which test this file has."""

    def tests(self) -> dict[str, Callable[[object], bool]]:
        return {"edge_site_available": edge_site_available}
