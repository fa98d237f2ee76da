# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation site: `make docs`.

A warning is an error, and so is a reference that leads nowhere. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

import yaml

from ..dry_run import ROOT, environment, install_collection, main, run, say
from . import event_source

HERE = Path(__file__).resolve().parent
COLLECTION = "huaweicloud.cloudpond"

INDEX = """\
{title}
{line}

Holds back the provisioning of edge sites until their delivery orders of Huawei Cloud CloudPond have succeeded. The
collection is maintained by its community, and is not a product of the vendor.

.. image:: images/delivery_progress.svg
   :alt: A terminal in which a playbook waits for a delivery order
   :width: 100%

{guides}
.. toctree::
   :maxdepth: 1
   :caption: Reference

   Modules and plugins <collection>
   event_source
"""

SECTION = """\
.. toctree::
   :maxdepth: 1
   :caption: {title}

{guides}
"""


def build(cache: Path, target: Path) -> int:
    """Build the site into a folder."""
    install_collection(cache)
    variables = environment(cache)
    source = cache / "rst"
    for folder in (source, target):
        shutil.rmtree(folder, ignore_errors=True)
    source.mkdir(parents=True)
    say("Writing the pages of the plugins ...")
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-indexes", "--dest-dir", str(source)]
    run(["-m", "antsibull_docs.cli.antsibull_docs", "collection", *options, COLLECTION], variables, cwd=ROOT)
    _add_pages(source)
    say("Building the site ...")
    output = run(
        ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(source), str(target)], variables, cwd=ROOT
    )
    say(output.strip())
    say(f"The site is in {target}: open {target / 'index.html'}.")
    return 0


def _add_pages(source: Path) -> None:
    """Add what antsibull-docs does not write: the first page, the event source, pictures and settings."""
    sections = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    guides = "\n".join(
        SECTION.format(title=section["title"], guides="\n".join(f"   docsite/{name}" for name in section["toctree"]))
        for section in sections
    )
    for page in source.rglob("*.rst"):
        text = page.read_text(encoding="utf-8")
        # The theme has a table of contents beside the page.
        text = re.sub(r"^\.\. contents::\n( +:.*\n)*", "", text, flags=re.M)
        # The first page has the guides.
        for section in sections:
            heading = re.escape(section["title"])
            text = re.sub(rf"^{heading}\n-+\n\n\.\. toctree::\n(\n| +.*\n)*", "", text, flags=re.M)
        # A forge shows the source of a guide, the site the page that is made of it. A unit test follows these links.
        text = re.sub(r"(`[^`<]+<\w+)\.rst((?:#[\w-]+)?>`__)", r"\1.html\2", text)
        page.write_text(text, encoding="utf-8")
    (source / "index.rst").rename(source / "collection.rst")
    index = INDEX.format(title=COLLECTION, line="=" * len(COLLECTION), guides=guides)
    (source / "index.rst").write_text(index, encoding="utf-8")
    (source / "event_source.rst").write_text(event_source.page(ROOT), encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "images", source / "images")
    shutil.copy(HERE / "conf.py", source)
    (source / "_static").mkdir()
    shutil.copy(HERE / "site.css", source / "_static")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", type=Path, help="the folder of the site, which is replaced")
    folder = parser.parse_args().target.resolve()
    sys.exit(main(lambda cache: build(cache, folder)))
