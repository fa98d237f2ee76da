# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: the collection, built and installed as a user would, waits for an order of the emulator.

`make demo` runs it in an environment that has ansible-core and requests. It needs no network, and leaves nothing
behind but what is in the cache directory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[2]

ORDER_ID = "demo-0001"
# The life of a delivery, poll by poll, with an outage in the middle of it.
ORDER_LIFE = ("PROCESSING", "PROCESSING", "reset", "ACCEPTING", "SUCCESS")
DOMAIN_ID = "demo-domain"
TOKEN = "demo-token"

# The emulator ends by itself after that many seconds, should this script be killed before it can end it.
EMULATOR_STOPS_AFTER = 300


class DemoError(Exception):
    """What keeps the demo from going on, in a sentence for the person who started it."""


def say(text: str) -> None:
    """Print a line at once, so that it stands before what the commands print."""
    print(text, flush=True)


def ansible_environment(cache: Path, **variables: str) -> dict[str, str]:
    """Return the environment for Ansible's commands.

    Neither a real account's credentials nor the user's settings of Ansible may reach the demo, and the emulator is
    to be asked without a proxy.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "HUAWEICLOUD_", "HW_")) and name not in ("NO_PROXY", "no_proxy")
    }
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(cache / "collections"),
        "ANSIBLE_CONFIG": str(ROOT / "tests" / "demo" / "ansible.cfg"),
        "ANSIBLE_HOME": str(cache / "home"),
        "ANSIBLE_REMOTE_TMP": str(cache / "tmp"),
        "no_proxy": "127.0.0.1,localhost",
        **variables,
    }


def run(arguments: list[str], environment: dict[str, str], *, cwd: Path, quiet: bool = False) -> int:
    """Run a command of this Python's environment to its end, and don't leave it behind when interrupted."""
    command = [sys.executable, "-m", "ansible", *arguments]
    output = subprocess.PIPE if quiet else None
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True
    ) as process:
        try:
            out, err = process.communicate()
        except BaseException:
            process.terminate()
            raise
    if quiet and process.returncode:
        sys.stderr.write(f"{out}{err}")
    return process.returncode


def install_collection(cache: Path) -> None:
    """Build the collection's tarball from the checkout and install it, with all its checks, in the cache directory."""
    environment = ansible_environment(cache)
    tarballs = cache / "tarballs"
    for old in tarballs.glob("*.tar.gz"):
        old.unlink()
    if run(
        ["galaxy", "collection", "build", "--force", "--output-path", str(tarballs)], environment, cwd=ROOT, quiet=True
    ):
        raise DemoError("The collection can't be built.")
    (tarball,) = tarballs.glob("*.tar.gz")
    say(f"Built {tarball.name}; installing it in {cache / 'collections'}.")
    install = ["galaxy", "collection", "install", "--force", "--offline", str(tarball)]
    if run([*install, "--collections-path", str(cache / "collections")], environment, cwd=cache, quiet=True):
        raise DemoError("The collection can't be installed.")


@contextlib.contextmanager
def emulator() -> Iterator[str]:
    """Run the emulator with one order, and yield its URL. It is stopped whatever happens."""
    # fmt: off
    command = [
        sys.executable, "-m", "tests.emulator", "--port", "0", "--token", TOKEN, "--domain-id", DOMAIN_ID,
        "--order", f"{ORDER_ID}={','.join(ORDER_LIFE)}", "--stop-after", str(EMULATOR_STOPS_AFTER),
    ]
    # fmt: on
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = select.select([process.stdout], [], [], 30)[0]
            url = process.stdout.readline().strip() if ready else ""
            if not url.startswith("http://"):
                raise DemoError("The emulator did not start.")
            say(f"The emulator is at {url}; the order {ORDER_ID} will be {', '.join(ORDER_LIFE)}.")
            yield url
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
            say("The emulator is stopped.")


def show_requests(url: str) -> None:
    """Print what the emulator answered, poll by poll."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/emulator/requests", timeout=10) as response:
        requests = json.load(response)
    say(f"\nThe emulator was asked {len(requests)} times, and answered:")
    for number, (request, step) in enumerate(zip(requests, ORDER_LIFE), 1):
        say(f"  {number}. {step}" + (f" (HTTP {request['status']})" if request["status"] else ""))


def demo(cache: Path) -> int:
    """Run the demo and return the exit code of the playbook."""
    cache.mkdir(parents=True, exist_ok=True)
    install_collection(cache)
    with emulator() as url:
        connection = {
            "HW_CLOUDPOND_ENDPOINT": url,
            "HW_DOMAIN_ID": DOMAIN_ID,
            "HW_AUTH_TOKEN": TOKEN,
            # One request a call: the outage is to be seen in the playbook's own retries, not bridged by the module's.
            "HW_MAX_RETRIES": "0",
        }
        variables = {"delivery_order_id": ORDER_ID, "delivery_order_retries": "10", "delivery_order_delay": "1"}
        playbook = ["playbook", "huaweicloud.cloudpond.wait_for_delivery_order"]
        for name, value in variables.items():
            playbook += ["-e", f"{name}={value}"]
        say("\n$ " + " ".join(f"{name}={value}" for name, value in connection.items()) + " \\")
        say(f"  ansible-{shlex.join(playbook)}")
        status = run(playbook, ansible_environment(cache, **connection), cwd=cache)
        show_requests(url)
    return status


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache-dir", type=Path, required=True, help="where to install the collection")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    started = time.monotonic()
    try:
        status = demo(options.cache_dir.resolve())
    except DemoError as error:
        say(f"The demo failed. {error}")
        return 1
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130
    say(f"The demo {'failed' if status else 'succeeded'} in {time.monotonic() - started:.0f} s.")
    return status


if __name__ == "__main__":
    sys.exit(main())
