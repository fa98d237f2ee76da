# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions of `make test`: antsibull-nox.toml's, and ansible-test on a matrix of ansible-core versions.

`nox --list` shows them; CONTRIBUTING.md says what each is for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import antsibull_nox
import nox
from antsibull_nox.sessions.collections import prepare_collections

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from tools.nox.eda import eda
from tools.nox.home import make_home
from tools.nox.integration import run_targets
from tools.nox.interpreters import find_interpreter, interpreter
from tools.nox.runner import runner
from tools.nox.table import keep_result, show_table

# nox finds sessions by their import.
__all__ = ["eda", "runner"]

nox.options.allow_parallel = True
nox.options.download_python = "never"

MIN_COVERAGE = 95

# The Pythons that each ansible-core runs on, newest ansible-core first.
CONTROLLER_PYTHONS = {
    "2.21": ("3.14", "3.13", "3.12"),
    "2.20": ("3.14", "3.13", "3.12"),
    "2.19": ("3.13", "3.12", "3.11"),
    "2.18": ("3.13", "3.12", "3.11"),
    "2.17": ("3.12", "3.11", "3.10"),
    "2.16": ("3.12", "3.11", "3.10"),
}
OLDEST_CORE = next(reversed(CONTROLLER_PYTHONS))

# The oldest Python that modules run on, and the last ansible-core that runs on it as a controller.
OLDEST_MODULE_PYTHON = "3.9"
OLDEST_MODULE_PYTHON_CORE = "2.15"

# What Red Hat Enterprise Linux 9 ships: urllib3 1.x, whose Retry differs from urllib3 2.x. Newer Pythons lack what
# this urllib3 imports.
OLDEST_REQUESTS = ("requests==2.25.1", "urllib3==1.26.5")
OLDEST_REQUESTS_PYTHONS = ("3.9", "3.10", "3.11")


def pythons_to_try(core: str) -> tuple[str, ...]:
    """Return the Pythons for an ansible-core, best first: old with old and new with new spans the widest range."""
    pythons = CONTROLLER_PYTHONS[core]
    return pythons[::-1] if core == OLDEST_CORE else pythons


def default_cores() -> set[str]:
    """Return what a run without arguments tests: the newest ansible-core there is a Python for, and the oldest.

    Newer ones that have no Python are part of it too, so that the table at the end names them.
    """
    chosen = {OLDEST_CORE}
    for core in CONTROLLER_PYTHONS:
        chosen.add(core)
        if find_interpreter(pythons_to_try(core)):
            break
    return chosen


def python_version(session: nox.Session) -> str:
    """Return the version (X.Y) of the session's Python."""
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    return (session.run("python", "-c", code, silent=True, log=False) or "").strip()


def copy_collection(session: nox.Session, core: str) -> Path:
    """Copy the checkout to where Ansible looks for the collection: ansible-test insists on the folders' names."""
    prepared = prepare_collections(
        session, ansible_core_version=core, install_in_site_packages=False, install_out_of_tree=True
    )
    if prepared is None:
        session.error("These sessions need environments of their own.")
    return prepared.current_path


def run_sanity(session: nox.Session, ansible_test: Callable[..., None]) -> None:
    """Run ansible-test's sanity tests."""
    ansible_test("sanity")


def run_units(session: nox.Session, ansible_test: Callable[..., None]) -> None:
    """Run the unit tests by ansible-test, with coverage."""
    junit = Path("tests/output/junit")
    try:
        ansible_test("units", "--coverage")
    finally:
        keep_result(session, junit)
    check = ROOT / "tools" / "nox" / "check_coverage.py"
    output = session.run("python", str(check), str(MIN_COVERAGE), silent=True, log=False) or ""
    print(output)
    keep_result(session, junit, note=output.splitlines()[-1])


def run_integration(session: nox.Session, ansible_test: Callable[..., None]) -> None:
    """Run the integration tests by ansible-test, on this machine."""
    run_targets(session, ansible_test, default_way="shipped" if session.name.endswith(OLDEST_CORE) else "here")


def add_ansible_test_session(
    kind: str, core: str, run: Callable[[nox.Session, Callable[..., None]], None], *, default: bool
) -> None:
    """Add the session for one ansible-test command on one ansible-core."""

    def ansible_test_session(session: nox.Session) -> None:
        session.install("--upgrade", f"ansible-core~={core}.0")
        home = make_home(session)
        version = python_version(session)

        def ansible_test(command: str, *arguments: str) -> None:
            options = ["--requirements", "--python", version, "--color", "no", *arguments, *session.posargs]
            session.run("ansible-test", command, *options, env={"HOME": str(home)})

        with session.chdir(copy_collection(session, core)):
            run(session, ansible_test)

    ansible_test_session.__doc__ = f"{(run.__doc__ or '').rstrip('.')}, with ansible-core {core}."
    python = interpreter(pythons_to_try(core))
    nox.session(name=f"{kind}-{core}", default=default, python=python)(ansible_test_session)


def add_plain_units_session(name: str, description: str, pythons: tuple[str, ...], *packages: str) -> None:
    """Add a session that runs the unit tests by pytest alone.

    ansible-test would install what the tests need straight into an interpreter that its ansible-core can't run on, and
    would choose the newest requests.
    """

    def units_session(session: nox.Session) -> None:
        core = OLDEST_MODULE_PYTHON_CORE if python_version(session) == OLDEST_MODULE_PYTHON else OLDEST_CORE
        requirements = [f"ansible-core~={core}.0", "pytest", "pytest-mock", "-r", "tests/unit/requirements.txt"]
        session.install("--upgrade", *requirements, *packages)
        copy = copy_collection(session, core)
        junit = copy / "tests" / "output" / "junit"
        with session.chdir(copy):
            try:
                options = ["-p", "no:cacheprovider", "--import-mode=importlib", f"--junit-xml={junit}/units.xml"]
                arguments = session.posargs or ["tests/unit"]
                session.run("python", "-m", "pytest", *options, *arguments, env={"PYTHONPATH": str(copy.parents[2])})
            finally:
                keep_result(session, junit, note=", ".join(packages).replace("==", " "))

    units_session.__doc__ = description
    nox.session(name=name, python=interpreter(pythons))(units_session)


for _core in CONTROLLER_PYTHONS:
    for _kind, _run in (("sanity", run_sanity), ("units", run_units), ("integration", run_integration)):
        add_ansible_test_session(_kind, _core, _run, default=_core in default_cores())

add_plain_units_session(
    f"units-py{OLDEST_MODULE_PYTHON}",
    f"Run the unit tests on Python {OLDEST_MODULE_PYTHON}, the oldest that modules run on.",
    (OLDEST_MODULE_PYTHON,),
)
add_plain_units_session(
    "units-oldest-requests",
    "Run the unit tests with the oldest requests and urllib3 that a supported platform ships.",
    OLDEST_REQUESTS_PYTHONS,
    *OLDEST_REQUESTS,
)

antsibull_nox.load_antsibull_nox_toml()


@nox.session(name="changelog")
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments."""
    session.install("--upgrade", "antsibull-changelog~=0.36.0")
    session.run("antsibull-changelog", "lint")


@nox.session(name="summary", default=False, python=False)
def summary(session: nox.Session) -> None:
    """Print what ran on what, from nox's report (the argument): it fails if anything in it did."""
    if problems := show_table(Path(session.posargs[0] if session.posargs else ".nox/report.json")):
        session.error(f"Not successful: {', '.join(problems)}.")
