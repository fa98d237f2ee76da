# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions that run ansible-test, or the unit tests by pytest alone, in a copy of the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import nox
from antsibull_nox.sessions.collections import prepare_collections

from .home import make_home
from .integration import run_targets
from .interpreters import interpreter
from .table import keep_result

ROOT = Path(__file__).resolve().parents[2]

AnsibleTest = Callable[..., None]
Run = Callable[[nox.Session, AnsibleTest], None]


def run_sanity(session: nox.Session, ansible_test: AnsibleTest) -> None:
    """Run ansible-test's sanity tests."""
    ansible_test("sanity")


def run_sanity_without_pylint(session: nox.Session, ansible_test: AnsibleTest) -> None:
    """Run ansible-test's sanity tests but pylint."""
    ansible_test("sanity", "--skip-test", "pylint")


def run_units(session: nox.Session, ansible_test: AnsibleTest) -> None:
    """Run the unit tests by ansible-test."""
    junit = Path("tests/output/junit")
    try:
        ansible_test("units")
    finally:
        keep_result(session, junit)


def run_integration(way: str) -> Run:
    """Return a function that runs the integration tests, with tasks in Ansible's own process ("here"), or "shipped"."""

    def run(session: nox.Session, ansible_test: AnsibleTest) -> None:
        """Run the integration tests by ansible-test, on this machine."""
        run_targets(session, ansible_test, default_way=way)

    return run


def add_ansible_test_session(
    name: str, core: str, pythons: Sequence[str], run: Run, *, default: bool, tags: Sequence[str] = ()
) -> None:
    """
    Add a session.

    :param core: The version of ansible-core, X.Y.
    :param pythons: The Pythons to choose from, best first.
    """

    def ansible_test_session(session: nox.Session) -> None:
        session.install("--upgrade", f"ansible-core~={core}.0")
        home = make_home(session)
        version = _python_version(session)

        def ansible_test(command: str, *arguments: str) -> None:
            given = () if "--python" in arguments else ("--python", version)
            options = ["--requirements", *given, "--color", "no", *arguments, *session.posargs]
            session.run("ansible-test", command, *options, env={"HOME": str(home)})

        with session.chdir(_copy_collection(session, core)):
            run(session, ansible_test)

    ansible_test_session.__doc__ = f"{(run.__doc__ or '').rstrip('.')}, with ansible-core {core}."
    nox.session(name=name, default=default, tags=tags, python=interpreter(tuple(pythons)))(ansible_test_session)


def add_plain_units_session(
    name: str,
    description: str,
    pythons: Sequence[str],
    core: str,
    *packages: str,
    min_coverage: int | None = None,
    tags: Sequence[str] = (),
) -> None:
    """
    Add a session that runs the unit tests by pytest alone.

    ansible-test would install the tests' requirements directly into an interpreter that its ansible-core can't run on,
    and would choose the newest requests.

    :param min_coverage: Percent of the lines and branches of the plugins, or None to measure no coverage.
    """

    def units_session(session: nox.Session) -> None:
        run_pytest(session, core, *packages, arguments=["tests/unit"], min_coverage=min_coverage)

    units_session.__doc__ = description
    nox.session(name=name, default=not tags, tags=tags, python=interpreter(tuple(pythons)))(units_session)


def run_pytest(
    session: nox.Session,
    core: str,
    *packages: str,
    arguments: Sequence[str],
    note: str | None = None,
    variables: Mapping[str, str] | None = None,
    min_coverage: int | None = None,
) -> None:
    """
    Run unit tests by pytest in a copy of the collection.

    :param core: The version of ansible-core, X.Y.
    :param packages: Installed in addition to the requirements of the unit tests.
    :param arguments: What to test. The arguments of the session replace it.
    :param note: For the table: by default, the versions of requests and urllib3.
    :param variables: More variables of the environment.
    :param min_coverage: As for add_plain_units_session. Without all tests, nothing is measured.
    """
    requirements = [f"ansible-core~={core}.0", "pytest", "pytest-mock", "-r", "tests/unit/requirements.txt"]
    percent = None if session.posargs else min_coverage
    # ansible-test runs each test in its own process, where coverage takes longer than the tests.
    runner = [] if percent is None else ["coverage", "run", "--branch", "--source", "plugins", "-m"]
    if percent is not None:
        requirements.append("coverage")
    session.install("--upgrade", *requirements, *packages)
    copy = _copy_collection(session, core)
    junit = copy / "tests" / "output" / "junit"
    options = ["-p", "no:cacheprovider", "--import-mode=importlib", f"--junit-xml={junit}/units.xml"]
    environment = {"PYTHONPATH": str(copy.parents[2]), **(variables or {})}
    with session.chdir(copy):
        notes = [_requests_versions(session) if note is None else note]
        command = ["python", "-m", *runner, "pytest", *options, *(session.posargs or arguments)]
        try:
            session.run(*command, env=environment)
            if percent is not None:
                notes.append(_check_coverage(session, percent))
        finally:
            keep_result(session, junit, note="; ".join(notes))


def _check_coverage(session: nox.Session, percent: int) -> str:
    """Show the coverage that was measured, fail if it is too low, and return it in a few words."""
    check = ROOT / "tools" / "nox" / "check_coverage.py"
    output = session.run("python", str(check), str(percent), silent=True, log=False) or ""
    print(output)
    return output.splitlines()[-1]


def _python_version(session: nox.Session) -> str:
    """Return the version (X.Y) of the session's Python."""
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    return (session.run("python", "-c", code, silent=True, log=False) or "").strip()


def _requests_versions(session: nox.Session) -> str:
    """Return the versions of requests and urllib3 that are installed."""
    code = "import requests, urllib3; print(f'requests {requests.__version__}, urllib3 {urllib3.__version__}')"
    return (session.run("python", "-c", code, silent=True, log=False) or "").strip()


def _copy_collection(session: nox.Session, core: str) -> Path:
    """Copy the checkout to where Ansible looks for the collection: ansible-test insists on the folders' names."""
    prepared = prepare_collections(
        session, ansible_core_version=core, install_in_site_packages=False, install_out_of_tree=True
    )
    if prepared is None:
        session.error("These sessions need environments of their own.")
    return prepared.current_path
