# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["antsibull-nox ~= 1.10", "nox >= 2026.10.20"]
# ///

"""The sessions of `make test`: antsibull-nox.toml's, and ansible-test on a matrix of ansible-core versions.

`nox --list` shows them; CONTRIBUTING.md says what each is for.
"""

from __future__ import annotations

import ast
import configparser
import contextlib
import functools
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import antsibull_nox
import nox

nox.needs_version = ">=2026.10.20"

ROOT = Path(__file__).resolve().parent
NOX_DIR = ROOT / ".nox"
RESULTS_DIR = NOX_DIR / "results"
NAMESPACE, NAME = "huaweicloud", "cloudpond"

# Turns an interpreter that isn't there from a row in the table into a failure.
REQUIRE_INTERPRETERS = os.environ.get("CLOUDPOND_REQUIRE_INTERPRETERS", "") not in ("", "0")

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
NEWEST_CORE = next(iter(CONTROLLER_PYTHONS))
OLDEST_CORE = next(reversed(CONTROLLER_PYTHONS))

# The oldest Python that modules run on, and the last ansible-core that runs on it as a controller.
OLDEST_MODULE_PYTHON = "3.9"
OLDEST_MODULE_PYTHON_CORE = "2.15"

# What Red Hat Enterprise Linux 9 ships: urllib3 1.x, whose Retry differs from urllib3 2.x. Newer Pythons lack what
# this urllib3 imports.
OLDEST_REQUESTS = ("requests==2.25.1", "urllib3==1.26.5")
OLDEST_REQUESTS_PYTHONS = ("3.9", "3.10", "3.11")


# Interpreters


def _directories_with_interpreters() -> Iterator[Path]:
    """Yield the PATH's directories, then those of pyenv's versions.

    Where pyenv keeps them is asked in several ways, for its own variable, the home directory, or both may be missing
    in the environment of a test run.
    """
    path = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    yield from path

    roots = [entry.parent for entry in path if entry.name == "shims"]
    if variable := os.environ.get("PYENV_ROOT"):
        roots.append(Path(variable))
    if pyenv := shutil.which("pyenv"):
        roots.append(Path(pyenv).resolve().parent.parent)
        answer = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            roots.append(Path(answer.stdout.strip()))
    homes = [os.environ.get("HOME")]
    with contextlib.suppress(KeyError):  # a container's user may be none that the system knows
        homes.append(pwd.getpwuid(os.getuid()).pw_dir)
    roots += [Path(home, ".pyenv") for home in homes if home]
    for root in dict.fromkeys(roots):
        yield from sorted(root.glob("versions/*/bin"))


@functools.cache
def _probe(candidate: Path) -> tuple[str, str] | None:
    """Run an interpreter and return its version (X.Y) and its path outside any virtual environment.

    Only running it tells: pyenv's shims are there for versions that are not switched on, and some distributions split
    venv and ensurepip off.
    """
    code = (
        "import ensurepip, sys, venv; "
        "print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable), sep='\\n')"
    )
    try:
        answer = subprocess.run([candidate, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.splitlines()
    return (lines[0], lines[1]) if answer.returncode == 0 and len(lines) == 2 else None


@functools.cache
def find_interpreter(version: str) -> str | None:
    """Return the path of a Python of that version (X.Y), or None."""
    candidates = [Path(sys.executable)] if version == "{}.{}".format(*sys.version_info) else []
    candidates += [directory / f"python{version}" for directory in _directories_with_interpreters()]
    for candidate in dict.fromkeys(candidates):
        if candidate.is_file() and (found := _probe(candidate)) and found[0] == version:
            return found[1]
    return None


def first_interpreter(versions: tuple[str, ...]) -> tuple[str, str] | None:
    """Return version and path of the first of these Pythons that is there."""
    return next(((version, path) for version in versions if (path := find_interpreter(version))), None)


def pythons_to_try(core: str) -> tuple[str, ...]:
    """Return the Pythons for an ansible-core, best first: old with old and new with new spans the widest range."""
    pythons = CONTROLLER_PYTHONS[core]
    return pythons[::-1] if core == OLDEST_CORE else pythons


def default_cores() -> list[str]:
    """Return what a run without arguments tests: the newest ansible-core there is a Python for, and the oldest.

    Newer ones that have no Python are part of it too, so that the table at the end names them.
    """
    chosen = []
    for core in CONTROLLER_PYTHONS:
        chosen.append(core)
        if first_interpreter(pythons_to_try(core)):
            break
    return list(dict.fromkeys([*chosen, OLDEST_CORE]))


# The copy of the collection, and the home, that ansible-test works in


def copy_collection(session: nox.Session) -> Path:
    """Copy the checkout to where Ansible looks for the collection, as a git repository of its own.

    ansible-test insists on both the folders' names and the repository, and writes its output into the tree.
    """
    root = Path(session.create_tmp()).resolve() / "ansible_collections"
    shutil.rmtree(root, ignore_errors=True)
    copy = root / NAMESPACE / NAME
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        source, destination = ROOT / name, copy / name
        if source.is_symlink() or source.is_file():  # not those that are deleted but still in git's index
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, destination, follow_symlinks=False)
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *arguments], cwd=copy, check=True)
    return copy


def _effective_pip_settings(session: nox.Session) -> configparser.RawConfigParser:
    """Return what pip is set to here, from its files and from the environment."""
    settings = configparser.RawConfigParser()
    settings.add_section("global")
    listing = session.run("python", "-m", "pip", "config", "list", silent=True, log=False) or ""
    from_environment = {}
    for line in listing.splitlines():
        if not (match := re.fullmatch(r"(:env:|[\w-]+)\.([\w.-]+)=('.*'|\".*\")", line)):
            continue
        section, option, value = match[1], match[2], ast.literal_eval(match[3])
        if section == ":env:":
            if option != "config-file":
                from_environment[option] = value
            continue
        if not settings.has_section(section):
            settings.add_section(section)
        settings.set(section, option, value)
    settings["global"].update(from_environment)
    # What pip would take from the environment without calling it a setting of its own.
    for option, variables in {
        "proxy": ("https_proxy", "HTTPS_PROXY"),
        "cert": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    }.items():
        value = next((os.environ[name] for name in variables if os.environ.get(name)), None)
        if value and not settings.has_option("global", option):
            settings.set("global", option, value)
    if not settings.has_option("global", "cache-dir"):
        directory = session.run("python", "-m", "pip", "cache", "dir", silent=True, log=False, success_codes=[0, 1])
        if directory and Path(directory.strip()).is_absolute():
            settings.set("global", "cache-dir", directory.strip())
    return settings


# Reads from the installed ansible-test which pip it bootstraps, and from where.
BOOTSTRAP_FACTS = """
import json, pathlib, re, sys, types
import ansible_test
from ansible_test._internal.python_requirements import get_venv_packages
python = types.SimpleNamespace(version="{}.{}".format(*sys.version_info))
source = pathlib.Path(ansible_test.__file__).parent / "_util/target/setup/requirements.py"
url = re.search(r"https://\\S+get-pip-%s\\.py", source.read_text(encoding="utf-8"))
print(json.dumps({"version": get_venv_packages(python)["pip"], "url": url and url[0]}))
"""

# Stands in for the script that ansible-test downloads. ensurepip runs in a process of its own: called in this one, it
# would leave pip blind to its configuration.
BOOTSTRAP_SCRIPT = """\
import subprocess
import sys

arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
for command in (["ensurepip"], ["pip", "install", "--upgrade", *arguments]):
    status = subprocess.call([sys.executable, "-m", *command])
    if status:
        sys.exit(status)
"""


@functools.cache
def _download(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            content: bytes = response.read()
            return content
    except OSError:
        return None


def _provide_pip_bootstrap(session: nox.Session, home: Path) -> None:
    """Put the pip bootstrap script where ansible-test looks for it: the real one, or else a stand-in.

    Its host is out of reach on networks that let nothing through but a package index.
    """
    facts = json.loads(session.run("python", "-c", BOOTSTRAP_FACTS, silent=True, log=False) or "{}")
    name = f".ansible/test/cache/get_pip_{facts['version'].replace('.', '_')}.py"
    script, script_of_user = home / name, Path.home() / name
    if script.exists():
        return
    script.parent.mkdir(parents=True, exist_ok=True)
    if script_of_user.exists():
        shutil.copyfile(script_of_user, script)
        return
    content = _download(facts["url"] % facts["version"]) if facts["url"] else None
    if content is None:
        session.log("ansible-test's pip bootstrap script can't be downloaded: Python's own ensurepip stands in for it.")
        content = BOOTSTRAP_SCRIPT.encode()
    script.write_bytes(content)


def make_home(session: nox.Session) -> Path:
    """Make a home for ansible-test, which keeps environments and a cache there that are none of the user's.

    It passes neither pip's variables nor proxies on, so pip gets its settings as a file in that home.
    """
    home = NOX_DIR / "home"
    pip_dir = home / ".config" / "pip"
    pip_dir.mkdir(parents=True, exist_ok=True)
    with (pip_dir / "pip.conf").open("w", encoding="utf-8") as file:
        _effective_pip_settings(session).write(file)
    _provide_pip_bootstrap(session, home)
    return home


# The sessions


def keep_result(session: nox.Session, **facts: Any) -> None:
    """Leave facts for the table of the `summary` session."""
    RESULTS_DIR.mkdir(parents=True, exist_ok=True)
    (RESULTS_DIR / f"{session.name}.json").write_text(json.dumps(facts), encoding="utf-8")


def forget_result(session: nox.Session) -> None:
    """Remove what an earlier run left."""
    (RESULTS_DIR / f"{session.name}.json").unlink(missing_ok=True)


def junit_counts(directory: Path) -> dict[str, int]:
    """Add up the tests in a directory's JUnit files."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for file in directory.glob("*.xml"):
        for suite in ElementTree.parse(file).iter("testsuite"):
            tests, failures, errors, skipped = (
                int(suite.get(name) or 0) for name in ("tests", "failures", "errors", "skipped")
            )
            counts["failed"] += failures + errors
            counts["skipped"] += skipped
            counts["passed"] += tests - failures - errors - skipped
    return counts


# Run by the Python of the session, in the collection's copy. A file that no test imports is in no measurement: all are
# named, so that such a one counts as not covered.
COVERAGE_SCRIPT = """
import glob, os
import coverage

measured = coverage.Coverage(data_file=".coverage", branch=True, config_file=False)
measured.exclude(r"if (t\\.|typing\\.)?TYPE_CHECKING:")
measured.exclude(r"if __name__ == .__main__.:")
measured.combine(glob.glob("tests/output/coverage/*=coverage.*"), keep=True)
plugins = [os.path.abspath(name) for name in glob.glob("plugins/**/*.py", recursive=True)]
measured.get_data().touch_files(plugins)
measured.save()
measured.report(morfs=plugins, show_missing=True)
measured.json_report(morfs=plugins, outfile="coverage.json")
"""


def check_coverage(session: nox.Session) -> str:
    """Show the coverage that ansible-test measured, file by file, and fail when it is too low."""
    session.run("python", "-c", COVERAGE_SCRIPT, log=False)
    totals = json.loads(Path("coverage.json").read_text(encoding="utf-8"))["totals"]
    lines_and_branches = totals["percent_covered"]
    branches = 100 * totals["covered_branches"] / totals["num_branches"]
    facts = f"coverage {lines_and_branches:.1f} %, of branches {branches:.1f} %"
    session.log(facts)
    if min(lines_and_branches, branches) < MIN_COVERAGE:
        session.error(f"{facts}, which is less than {MIN_COVERAGE} %.")
    return facts


def run_sanity(session: nox.Session, ansible_test: Callable[..., None]) -> None:
    """Run ansible-test's sanity tests."""
    ansible_test("sanity")


def run_units(session: nox.Session, ansible_test: Callable[..., None]) -> None:
    """Run the unit tests by ansible-test, with coverage."""
    try:
        ansible_test("units", "--coverage")
    finally:
        counts = junit_counts(Path("tests/output/junit"))
        keep_result(session, **counts)
    keep_result(session, **counts, note=check_coverage(session))


def run_integration(session: nox.Session, ansible_test: Callable[..., None]) -> None:
    """Run the integration tests by ansible-test, on this machine."""
    ansible_test("integration")
    listing = session.run("ansible-test", "integration", "--list-targets", silent=True, log=False) or ""
    targets = [line for line in listing.splitlines() if Path("tests/integration/targets", line.strip() or "-").is_dir()]
    keep_result(session, note=f"{len(targets)} targets")


def add_ansible_test_session(
    kind: str, core: str, run: Callable[[nox.Session, Callable[..., None]], None], *, default: bool
) -> None:
    """Add the session for one ansible-test command on one ansible-core."""
    pythons = pythons_to_try(core)
    found = first_interpreter(pythons)

    def ansible_test_session(session: nox.Session) -> None:
        forget_result(session)
        version = require(session, found, pythons)
        session.install("--upgrade", f"ansible-core~={core}.0")
        home = make_home(session)
        copy = copy_collection(session)

        def ansible_test(command: str, *arguments: str) -> None:
            options = ["--requirements", "--python", version, "--color", "no", *arguments, *session.posargs]
            session.run("ansible-test", command, *options, env={"HOME": str(home)})

        with session.chdir(copy):
            run(session, ansible_test)

    ansible_test_session.__doc__ = f"{(run.__doc__ or '').rstrip('.')}, with ansible-core {core}."
    nox.session(
        name=f"{kind}-{core}",
        default=default,
        python=found[1] if found else False,
        venv_backend="venv" if found else "none",
    )(ansible_test_session)


def require(session: nox.Session, found: tuple[str, str] | None, pythons: tuple[str, ...]) -> str:
    """Return the version of the interpreter found, or leave the session."""
    if found is None:
        reason = f"no interpreter (needs Python {' or '.join(sorted(pythons, key=lambda v: int(v[2:])))})"
        if REQUIRE_INTERPRETERS:
            session.error(reason)
        session.skip(reason)
    return found[0]


def add_plain_units_session(name: str, description: str, pythons: tuple[str, ...], *packages: str) -> None:
    """Add a session that runs the unit tests by pytest alone.

    ansible-test would install what the tests need straight into an interpreter that its ansible-core can't run on, and
    would choose the newest requests.
    """
    found = first_interpreter(pythons)

    def units_session(session: nox.Session) -> None:
        forget_result(session)
        version = require(session, found, pythons)
        core = OLDEST_MODULE_PYTHON_CORE if version == OLDEST_MODULE_PYTHON else OLDEST_CORE
        requirements = [f"ansible-core~={core}.0", "pytest", "pytest-mock", "-r", "tests/unit/requirements.txt"]
        session.install("--upgrade", *requirements, *packages)
        copy = copy_collection(session)
        junit = copy / "tests" / "output" / "junit"
        with session.chdir(copy):
            try:
                options = ["-p", "no:cacheprovider", "--import-mode=importlib", f"--junit-xml={junit}/units.xml"]
                arguments = session.posargs or ["tests/unit"]
                session.run("python", "-m", "pytest", *options, *arguments, env={"PYTHONPATH": str(copy.parents[2])})
            finally:
                keep_result(session, **junit_counts(junit), note=", ".join(packages).replace("==", " "))

    units_session.__doc__ = description
    nox.session(name=name, python=found[1] if found else False, venv_backend="venv" if found else "none", default=True)(
        units_session
    )


antsibull_nox.load_antsibull_nox_toml()


@nox.session(name="typing-noxfile")
def typing_noxfile(session: nox.Session) -> None:
    """Run mypy on noxfile.py, which antsibull-nox's own session leaves out."""
    session.install("--upgrade", "-r", ".ci/requirements.txt", "mypy~=2.4.1")
    session.run("mypy", "--config-file", ".mypy.ini", "noxfile.py")


@nox.session(name="changelog")
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments."""
    session.install("--upgrade", "antsibull-changelog~=0.36.0")
    session.run("antsibull-changelog", "lint")


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


# The table at the end


@dataclass
class Row:
    """One line of the table."""

    session: str
    core: str
    python: str
    result: str
    time: str
    note: str


def _installed(session: str) -> tuple[str, str]:
    """Return the versions of ansible-core and of Python in a session's environment."""
    environment = NOX_DIR / re.sub(r"[^\w-]", "-", session)  # as nox names it
    config = environment / "pyvenv.cfg"
    python = core = "-"
    if config.is_file():
        match = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", config.read_text(encoding="utf-8"), re.M)
        python = match[1] if match else "-"
    for folder in environment.glob("lib/python3.*/site-packages/ansible_core-*.dist-info"):
        core = folder.name.split("-")[1].removesuffix(".dist")
    return core, python


def _rows(report: dict[str, Any]) -> Iterator[tuple[Row, dict[str, int]]]:
    for entry in report["sessions"]:
        name = entry["name"]
        facts: dict[str, Any] = {}
        if (file := RESULTS_DIR / f"{name}.json").is_file():
            facts = json.loads(file.read_text(encoding="utf-8"))
        notes = [entry.get("reason") or "", facts.pop("note", "")]
        if facts:
            notes.insert(0, ", ".join(f"{count} {what}" for what, count in facts.items() if count or what == "passed"))
        core, python = _installed(name) if entry["result"] != "skipped" else ("-", "-")
        time = f"{entry['duration']:.0f} s"
        yield Row(name, core, python, entry["result"], time, "; ".join(filter(None, notes))), facts


@nox.session(name="summary", default=False, python=False)
def summary(session: nox.Session) -> None:
    """Print what ran on what, from nox's report (the argument): it fails if anything in it did."""
    path = Path(session.posargs[0]) if session.posargs else NOX_DIR / "report.json"
    if not path.is_file():
        session.error(f"{path} is missing: the run of the sessions ended before its report.")
    report = json.loads(path.read_text(encoding="utf-8"))
    rows = [Row("session", "ansible-core", "Python", "result", "time", "")]
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for row, counts in _rows(report):
        rows.append(row)
        for what, count in counts.items():
            totals[what] += count
    columns = ("session", "core", "python", "result", "time")
    widths = {column: max(len(getattr(row, column)) for row in rows) for column in columns}
    print()
    for row in rows:
        print("  ".join([*(getattr(row, column).ljust(widths[column]) for column in columns), row.note]).rstrip())
    seconds = sum(entry["duration"] for entry in report["sessions"])
    print(f"\nIn all {seconds / 60:.0f} min {seconds % 60:.0f} s. Unit tests, summed over the sessions:")
    skipped = f", {totals['skipped']} skipped" if totals["skipped"] else ""
    print(f"total: {totals['passed']} passed, {totals['failed']} failed{skipped}", flush=True)

    results = {row.session: row.result for row in rows[1:]}
    bad = [name for name, result in results.items() if result not in ("success", "skipped")]
    if REQUIRE_INTERPRETERS:
        bad += [
            name
            for kind in ("sanity", "units", "integration")
            if results.get(name := f"{kind}-{NEWEST_CORE}") != "success" and name not in bad
        ]
    if not totals["passed"] and any(name.startswith("units-") for name in results):
        session.error("No unit test passed.")
    if bad:
        session.error(f"Not successful: {', '.join(bad)}")


if __name__ == "__main__":
    nox.main()
