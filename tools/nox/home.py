# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the home directory for ansible-test.

ansible-test does not pass on pip's variables or proxies. It keeps environments and a cache in the home directory, and
downloads a script that installs pip. On a network with nothing but a package index, it needs pip's settings in a file,
and a replacement for that script.
"""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
from pathlib import Path

import nox

#: Prints the version of the pip that the installed ansible-test bootstraps.
PIP_VERSION = """
import sys, types
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(types.SimpleNamespace(version="{}.{}".format(*sys.version_info)))["pip"])
"""

#: Variables that pip takes from the environment, although they are not among its own settings.
SETTINGS_OF_ENVIRONMENT = {
    "proxy": ("https_proxy", "HTTPS_PROXY"),
    "cert": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
}


def make_home(session: nox.Session) -> Path:
    """Make a session's home directory, with pip's current settings, and a script that installs pip."""
    # Not shared, because sessions run at the same time.
    home = Path(session.create_tmp()).resolve() / "home"
    pip_conf = home / ".config" / "pip" / "pip.conf"
    pip_conf.parent.mkdir(parents=True, exist_ok=True)
    with pip_conf.open("w", encoding="utf-8") as file:
        _pip_settings(session).write(file)
    pip_version = _output(session, "-c", PIP_VERSION).replace(".", "_")
    script = home / ".ansible" / "test" / "cache" / f"get_pip_{pip_version}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("get_pip.py"), script)
    return home


def _output(session: nox.Session, *arguments: str) -> str:
    return (session.run("python", *arguments, silent=True, log=False) or "").strip()


def _pip_settings(session: nox.Session) -> configparser.RawConfigParser:
    """Return pip's settings, from its files and from the environment."""
    settings = configparser.RawConfigParser()
    settings.add_section("global")
    from_environment = {}
    for line in _output(session, "-m", "pip", "config", "list").splitlines():
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
    for option, variables in SETTINGS_OF_ENVIRONMENT.items():
        value = next((os.environ[name] for name in variables if os.environ.get(name)), None)
        if value and not settings.has_option("global", option):
            settings.set("global", option, value)
    if not settings.has_option("global", "cache-dir"):
        settings.set("global", "cache-dir", _output(session, "-m", "pip", "cache", "dir"))
    return settings
