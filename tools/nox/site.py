# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation site, as `make docs` does."""

from __future__ import annotations

from pathlib import Path

import nox

from .interpreters import interpreter
from .runner import PYTHONS


@nox.session(python=interpreter(PYTHONS))
def site(session: nox.Session) -> None:
    """Build the documentation site, and check its links."""
    session.install("--upgrade", "-r", "tools/site/requirements.txt")
    folder = Path(session.create_tmp()).resolve()
    session.run("python", "-m", "tools.site", "--cache-dir", str(folder / "cache"), str(folder / "site"))
