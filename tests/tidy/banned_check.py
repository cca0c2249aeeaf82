# SPDX-License-Identifier: Apache-2.0
"""Calls that are not used here, each with what to use instead, and marks of unfinished work."""

import re

import house

UNFINISHED = r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b"
# (pattern, folders it applies to, message)
BANNED = [
    (r"\b(strcpy|strcat|sprintf|gets|strtok)\s*\(", ("src",), "use std::string, or fmt"),
    (r"\b(rand|srand)\s*\(|\brandom_device\b", ("src",), "use crypto::Random"),
    (r"(?<![\w:.>])system\s*\(|\bpopen\s*\(", ("src",), "start a program with an argument list; no shell"),
    (r"\bmemcmp\s*\(", ("src",), "use equal(), or equal_constant_time() for what may be secret"),
    (r"\bthrow\b", ("src",), "return a Result"),
    (r"asio::detached|\bco_spawn\b", ("src",), "use net/spawn.h"),
    (r"\b(getaddrinfo|gethostbyname|dlopen)\s*\(", ("src/runtime", "src/wire", "src/http", "src/tls", "src/attest"),
     "a static program has no NSS and loads nothing"),
    (r"\bstd::(cout|cerr)\b|\bprintf\s*\(", ("src/base", "src/wire", "src/policy", "src/crypto", "src/net", "src/tls",
                                             "src/http", "src/attest", "src/eif", "src/image", "src/runtime", "src/host",
                                             "src/server"), "return it, or use base/log.h"),
    (r"\bstd::regex\b", ("src",), "it recurses without bound on hostile input; write the match"),
    (UNFINISHED, ("src", "tests", "bench", "examples"), "finish it, or say it in docs"),
    (r"using namespace std\b(?!::)", ("src",), "write std::"),
]
# Where a banned thing is the point: path prefix -> what is allowed there.
ALLOWED = {
    "src/net/": ("co_spawn", "asio::detached", "getaddrinfo"),
    "src/base/toml.cpp": ("throw",),  # the library's own assertion macro becomes an exception that is caught there
    # A program's own commands speak to the terminal.
    "src/host/main.cpp": ("std::cout", "std::cerr"),
    "src/host/run_enclave.cpp": ("std::cout", "std::cerr"),
    "src/host/serve.cpp": ("std::cout",),
    "src/server/main.cpp": ("std::cout", "std::cerr"),
    "src/nsm/main.cpp": ("std::cout", "std::cerr"),
    "src/runtime/main.cpp": ("std::cerr",),
    "src/base/toml.cpp": ("throw",),  # in place of an assertion of the library it wraps
}
COMMENT = re.compile(r"//.*$")
STRING = re.compile(r'"(\\.|[^"\\])*"')


def found_in(line, name):
    for pattern, folders, message in BANNED:
        if not any(name.startswith(folder + "/") for folder in folders):
            continue
        text = line if pattern == UNFINISHED else STRING.sub('""', COMMENT.sub("", line))
        match = re.search(pattern, text)
        if not match:
            continue
        what = match.group(0).strip()
        if not any(name.startswith(place) and any(a in what for a in allowed) for place, allowed in ALLOWED.items()):
            yield what, message


def check(root):
    findings = []
    for path in house.sources(root):
        name = house.relative(path, root)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            findings.extend(f"{name}:{number}: {what}: {message}" for what, message in found_in(line, name))
    return findings


SAMPLE = {
    "src/base/bad_copy.cpp": "void f() { strcpy(a, b); }\n",
    "src/base/bad_throw.cpp": "void f() { throw 1; }\n",
    "src/crypto/bad_compare.cpp": "bool f() { return memcmp(a, b, 3) == 0; }\n",
    "src/runtime/bad_resolve.cpp": "void f() { getaddrinfo(a, b, c, d); }\n",
    "src/wire/bad_print.cpp": "void f() { std::cout << 1; }\n",
    "src/http/bad_spawn.cpp": "void f() { co_spawn(a, b, asio::detached); }\n",
    "src/base/bad_note.cpp": "int x;  // TO" "DO\n",
    "src/net/good_spawn.cpp": "void f() { co_spawn(a, b, c); }\n",
    "src/base/good.cpp": '// never throw here\nconst char* x = "system(1)";\n',
}

if __name__ == "__main__":
    house.main(check, SAMPLE)
