# SPDX-License-Identifier: Apache-2.0
"""Network namespaces for end-to-end tests: a script runs itself again in one of its own, with a second one for servers; both are
gone with its last process."""

import os
import shutil
import subprocess
import sys

import project

HOST = "45.66.77.1"  # addresses of the public kind, so that the host's rules for them are the ones at work
SERVERS = "srv"


def enter():
    """Goes on in namespaces of its own: from here on there is loopback, and what connect() adds. Ends as skipped where it can't."""
    if os.environ.get("CAGES_NAMESPACE") == "1":
        return
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        print("skipped: network namespaces need root, unshare and ip", file=sys.stderr)
        sys.exit(project.SKIPPED)
    if subprocess.run(["unshare", "--net", "--mount", "true"], check=False, capture_output=True).returncode != 0:
        print("skipped: no network namespace can be made here", file=sys.stderr)
        sys.exit(project.SKIPPED)
    os.environ["CAGES_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def connect(addresses):
    """Makes the servers' namespace, with these addresses, and a route to it."""
    os.makedirs("/run/netns", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True)
    ip("link", "set", "lo", "up")
    ip("netns", "add", SERVERS)
    ip("link", "add", "to-servers", "type", "veth", "peer", "name", "to-host", "netns", SERVERS)
    ip("address", "add", HOST + "/24", "dev", "to-servers")
    ip("link", "set", "to-servers", "up")
    ip("-n", SERVERS, "link", "set", "lo", "up")
    for address in addresses:
        ip("-n", SERVERS, "address", "add", address + "/24", "dev", "to-host")
    ip("-n", SERVERS, "link", "set", "to-host", "up")


def inside(*command):
    """The words that run a command in the servers' namespace."""
    return ["ip", "netns", "exec", SERVERS, *map(str, command)]
