# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions that run ansible-test or pytest in a copy of the collection."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import nox
from antsibull_nox.sessions.collections import prepare_collections

from .home import make_home
from .interpreters import find_interpreter, interpreter
from .table import keep_result

AnsibleTest = Callable[..., None]
Run = Callable[[nox.Session, AnsibleTest], None]

INTEGRATION = Path("tests/integration")


def sanity(*arguments: str) -> Run:
    """Return a function that runs ansible-test's sanity tests."""

    def run(session: nox.Session, ansible_test: AnsibleTest) -> None:
        """Run ansible-test's sanity tests."""
        ansible_test("sanity", *arguments)

    return run


def imports(python: str) -> Run:
    """Return a function that imports the modules by a Python that ansible-test itself need not run on."""

    def run(session: nox.Session, ansible_test: AnsibleTest) -> None:
        """Import modules and module_utils by ansible-test."""
        # ansible-test looks for it in the PATH, where pyenv's shims also exist for versions that are switched off.
        if found := find_interpreter((python,)):
            session.env["PATH"] = f"{Path(found).parent}{os.pathsep}{os.environ['PATH']}"
        ansible_test("sanity", "--test", "import", "--python", python)

    return run


def units(session: nox.Session, ansible_test: AnsibleTest) -> None:
    """Run the unit tests by ansible-test."""
    try:
        ansible_test("units")
    finally:
        keep_result(session, Path("tests/output/junit"))


def integration(*targets: str, without: Sequence[str] = (), shipped: bool = False) -> Run:
    """
    Return a function that runs integration targets.

    :param targets: All of them if there is none.
    :param without: Targets to leave out.
    :param shipped: Whether tasks on the control node are shipped as modules, and not answered in Ansible's own process.
    """

    def run(session: nox.Session, ansible_test: AnsibleTest) -> None:
        """Run integration targets by ansible-test, on this machine."""
        if shipped:
            shutil.copytree(INTEGRATION / "shipped", INTEGRATION, dirs_exist_ok=True)
        left_out = [argument for target in without for argument in ("--exclude", target)]
        ansible_test("integration", "--continue-on-error", *(() if session.posargs else (*left_out, *targets)))
        keep_result(session, note="shipped" if shipped else "in process")

    if shipped:
        run.__doc__ = "Run integration targets by ansible-test, with all tasks shipped as modules."
    return run


def add_ansible_test(
    name: str, core: str, pythons: Sequence[str], run: Run, *, default: bool = False, tags: Sequence[str] = ()
) -> None:
    """
    Add a session that runs ansible-test.

    :param core: The version of ansible-core, X.Y.
    :param pythons: The Pythons to choose from, best first.
    """

    def ansible_test_session(session: nox.Session) -> None:
        session.install("--upgrade", f"ansible-core~={core}.0")
        home = make_home(session)
        version = (session.run("python", "-c", _PYTHON, silent=True, log=False) or "").strip()

        def ansible_test(command: str, *arguments: str) -> None:
            given = () if "--python" in arguments else ("--python", version)
            options = ["--requirements", *given, "--color", "no", *arguments, *session.posargs]
            session.run("ansible-test", command, *options, env={"HOME": str(home)})

        with session.chdir(_copy_collection(session, core)):
            run(session, ansible_test)

    ansible_test_session.__doc__ = f"{(run.__doc__ or '').rstrip('.')}, with ansible-core {core}."
    nox.session(name=name, default=default, tags=tags, python=interpreter(tuple(pythons)))(ansible_test_session)


def add_units(
    name: str,
    core: str,
    pythons: Sequence[str],
    *packages: str,
    tests: Sequence[str] = ("tests/unit",),
    arguments: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    default: bool = False,
    tags: Sequence[str] = (),
) -> None:
    """
    Add a session that runs unit tests by pytest. ansible-test would run each test in a process of its own.

    :param core: The version of ansible-core, X.Y.
    :param pythons: The Pythons to choose from, best first.
    :param packages: Installed in addition to the requirements of the unit tests.
    :param tests: What to test. The arguments of the session replace it.
    :param arguments: More arguments of pytest.
    :param variables: More variables of the environment.
    """

    def units_session(session: nox.Session) -> None:
        requirements = ["pytest", "pytest-cov", "pytest-mock", "pytest-xdist", "-r", "tests/unit/requirements.txt"]
        session.install("--upgrade", f"ansible-core~={core}.0", *requirements, *packages)
        copy = _copy_collection(session, core)
        # More processes than cores, because many tests wait most of the time.
        options = ["-n", "4", "--import-mode=importlib", *arguments]
        with session.chdir(copy):
            environment = {"PYTHONPATH": str(copy.parents[2]), **(variables or {})}
            note = (session.run("python", "-c", _REQUESTS, silent=True, log=False) or "").strip()
            _run_pytest(session, [*options, *(session.posargs or tests)], environment, note)

    units_session.__doc__ = f"Run unit tests by pytest, with ansible-core {core}."
    nox.session(name=name, default=default, tags=tags, python=interpreter(tuple(pythons)))(units_session)


def add_tests(
    name: str, pythons: Sequence[str], description: str, *, variables: Mapping[str, str], tags: Sequence[str]
) -> None:
    """Add a session that runs the tests of the folder ``tests/NAME`` by pytest, with the requirements there."""

    def tests_session(session: nox.Session) -> None:
        session.install("--upgrade", "-r", f"tests/{name}/requirements.txt")
        _run_pytest(session, session.posargs or [f"tests/{name}"], variables)

    tests_session.__doc__ = description
    nox.session(name=name, default=False, tags=tags, python=interpreter(tuple(pythons)))(tests_session)


def _run_pytest(session: nox.Session, arguments: Sequence[str], variables: Mapping[str, str], note: str = "") -> None:
    junit = Path(session.create_tmp()).resolve() / "junit"
    try:
        options = ["-p", "no:cacheprovider", f"--junit-xml={junit}/tests.xml"]
        session.run("python", "-m", "pytest", *options, *arguments, env=dict(variables))
    finally:
        keep_result(session, junit, note)


_PYTHON = "import sys; print('{}.{}'.format(*sys.version_info))"
_REQUESTS = "import requests, urllib3; print(f'requests {requests.__version__}, urllib3 {urllib3.__version__}')"


def _copy_collection(session: nox.Session, core: str) -> Path:
    """Copy the checkout to where Ansible looks for the collection: ansible-test insists on the folders' names."""
    prepared = prepare_collections(
        session, ansible_core_version=core, install_in_site_packages=False, install_out_of_tree=True
    )
    if prepared is None:
        session.error("These sessions need environments of their own.")
    return prepared.current_path
