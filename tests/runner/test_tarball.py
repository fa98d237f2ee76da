# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import tarfile

from tests.runner.installation import Installed

#: What users need at the top: the collection itself, its documentation, its licence, and the emulator for dry runs.
TOP = """
CHANGELOG.md CHANGELOG.md.license CODE_OF_CONDUCT.md CONTRIBUTING.md COPYING FILES.json LICENSES MANIFEST.json README.md
REUSE.toml SECURITY.md changelogs docs extensions meta playbooks plugins tests
"""


def test_the_tarball_has_what_users_need_and_nothing_else(installed: Installed) -> None:
    with tarfile.open(installed.tarball) as tarball:
        names = tarball.getnames()
    assert {name.partition("/")[0] for name in names} <= set(TOP.split())
    unwanted = r"tests/(?!emulator(/|$))|docs/(controller|inclusion\.md)|.*(\.pyc|\.tar\.gz)$|.*/\."
    assert [name for name in names if re.match(unwanted, name)] == []
    assert "plugins/modules/cloudpond_delivery_order_info.py" in names
