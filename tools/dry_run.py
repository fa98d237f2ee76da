# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For all commands that need the collection: installs it as a user would, and runs commands with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]


class DryRunError(Exception):
    """A dry run can't go on. The text is a sentence for the person who started it."""


def say(text: str = "") -> None:
    """Print a line at once, so that it comes before the output of the commands."""
    print(text, flush=True)


def environment(cache: Path, **variables: str) -> dict[str, str]:
    """
    Return the environment for Ansible's commands.

    A real account's credentials and the user's settings of Ansible must not reach a dry run. Requests to the emulator
    use no proxy.

    :param cache: Where the collection is installed, and what Ansible leaves behind is kept.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "HUAWEICLOUD_", "HW_")) and name not in ("NO_PROXY", "no_proxy")
    }
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(cache / "collections"),
        "ANSIBLE_CONFIG": str(ROOT / "tools" / "ansible.cfg"),
        "ANSIBLE_HOME": str(cache / "home"),
        "ANSIBLE_REMOTE_TMP": str(cache / "tmp"),
        # Where no environment is activated, a program starts another of its own environment by its name.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "no_proxy": "127.0.0.1,localhost",
        **variables,
    }


def run_shown(arguments: Sequence[str], variables: dict[str, str], *, cwd: Path) -> int:
    """Run this Python to its end, with its output on the terminal, and return its exit code."""
    with subprocess.Popen([sys.executable, *arguments], cwd=cwd, env=variables, stdin=subprocess.DEVNULL) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def run(arguments: Sequence[str], variables: dict[str, str], *, cwd: Path, stdin: str = "") -> str:
    """
    Run this Python to its end and return its output. It also ends when this script is interrupted.

    :raises DryRunError: if it fails. Its output is shown then.
    """
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            out, err = process.communicate(stdin)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        sys.stderr.write(f"{out}{err}")
        raise DryRunError(f"{' '.join(arguments[:4])} failed.")
    return out


def install_collection(cache: Path) -> None:
    """Build the collection's tarball from the checkout and install it, with all its checks, in the cache directory."""
    cache.mkdir(parents=True, exist_ok=True)
    variables = environment(cache)
    tarballs = cache / "tarballs"
    for old in tarballs.glob("*.tar.gz"):
        old.unlink()
    galaxy = ["-m", "ansible", "galaxy", "collection"]
    run([*galaxy, "build", "--force", "--output-path", str(tarballs)], variables, cwd=ROOT)
    (tarball,) = tarballs.glob("*.tar.gz")
    say(f"Built {tarball.name}; installing it in {cache / 'collections'}.")
    install = ["install", "--force", "--offline", str(tarball), "--collections-path", str(cache / "collections")]
    run([*galaxy, *install], variables, cwd=cache)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(dry_run: Callable[[Path], int]) -> int:
    """
    Run a dry run, and return its exit code. In any case, its emulators end with it.

    :param dry_run: It gets a folder, in the command's own environment, for the collection and for all other files.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    started = time.monotonic()
    try:
        status = dry_run(Path(sys.prefix, "cache"))
    except DryRunError as error:
        say(f"Failed. {error}")
        return 1
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130
    say(f"{'Failed' if status else 'Succeeded'} in {time.monotonic() - started:.0f} s.")
    return status
