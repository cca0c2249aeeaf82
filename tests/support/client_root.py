# SPDX-License-Identifier: Apache-2.0
"""A root file system of this machine's own programs: each with the libraries that it loads, nothing of ours in between."""

import os
import pathlib
import re
import shutil
import subprocess


def libraries(program):
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+) \(0x", told)


def copy(path, root, to=None):
    target = root / str(to or path).lstrip("/")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(path), target)


def add(root, *programs):
    """Adds programs by path; returns those that this machine has."""
    found = [program for program in programs if pathlib.Path(program).exists()]
    for program in found:
        copy(program, root)
        for library in libraries(os.path.realpath(program)):
            copy(library, root)
    return found


def add_python(root):
    """Adds /usr/bin/python3 with its modules (without tests, tools and what was compiled)."""
    add(root, "/usr/bin/python3")
    leave = shutil.ignore_patterns("__pycache__", "test", "tests", "idlelib", "lib2to3", "ensurepip", "tkinter", "pydoc_data", "*.a", "config-*")
    library = next(pathlib.Path("/usr/lib").glob("python3.[0-9]*"))
    shutil.copytree(library, root / str(library).lstrip("/"), ignore=leave, symlinks=False, dirs_exist_ok=True,
                    ignore_dangling_symlinks=True)
    for module in (root / str(library).lstrip("/")).rglob("*.so"):
        for name in libraries(module):
            copy(name, root)
