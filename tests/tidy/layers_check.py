# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, as data; and which folders may see which libraries."""

import re

import house

# folder of src/ -> folders whose headers it may include. Programs see the vocabularies and never each other.
VOCABULARY = "base wire policy crypto net tls http attest eif image machine".split()
MAY_SEE = {
    "base": [],
    "wire": ["base"],
    "policy": ["base"],
    "crypto": ["base", "wire"],
    "net": ["base"],
    "tls": ["base", "crypto", "net"],
    "http": ["base", "wire", "net"],
    "attest": ["base", "wire", "crypto", "policy"],
    "attest/core": ["base", "wire", "policy"],  # runs where no crypto library is
    "machine": ["base"],
    "eif": ["base", "wire", "crypto"],
    "image": ["base", "wire", "crypto", "eif", "policy"],
    "nsm": ["base", "wire", "crypto", "net", "attest"],
    "runtime": [v for v in VOCABULARY if v not in ("eif", "image")],
    "host": [v for v in VOCABULARY if v != "attest"],
    "server": VOCABULARY,
    "client": [v for v in VOCABULARY if v not in ("eif", "image")],
    "cli": VOCABULARY + ["client"],
}
# These parts of a program do not see each other, nor the one that joins them; that one and main.cpp see them all.
APART = {"runtime": ("boot", "ingress", "egress", "local", "app")}
JOINS = {"runtime": "cage"}
# library header prefix -> folders (of src/) or files that may include it.
LIBRARIES = {
    "openssl/": ["crypto/", "tls/"],
    "gnutls/": ["crypto/deterministic/"],
    "idn2.h": ["cli/idna.cpp"],
    "boost/asio": ["net/", "base/task.h"],
    "ares.h": ["net/names/"],
    "boost/beast": ["http/"],
    "nghttp2/": ["http/"],
    "sqlite3.h": ["server/store/"],
    "archive.h": ["image/"],
    "archive_entry.h": ["image/"],
    "nlohmann/": ["base/json.cpp"],
    "spdlog/": ["base/log.cpp"],
    "CLI/": ["cli/options.cpp"],
    "toml++/": ["image/toml.cpp", "cli/toml.cpp", "base/toml.cpp"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.M)


def check(root):
    findings = []
    for path in house.sources(root, ("src",)):
        name = house.relative(path, root)
        inside = name.removeprefix("src/")
        folder = next((deep for deep in MAY_SEE if "/" in deep and inside.startswith(deep + "/")), inside.split("/")[0])
        is_test = name.endswith("_test.cpp")
        for included in INCLUDE.findall(path.read_text()):
            for prefix, allowed in LIBRARIES.items():
                if included.startswith(prefix) and not is_test and not any(inside.startswith(a) for a in allowed):
                    findings.append(f"{name}: includes <{included}>; only {', '.join(allowed)} may")
            target = included.split("/")[0]
            if target not in MAY_SEE or "/" not in included:
                continue
            if not included.startswith(folder + "/") and target not in MAY_SEE.get(folder, []):
                findings.append(f"{name}: {folder} may not see {target} ({included})")
            parts = APART.get(folder, ())
            own = inside.split("/")[1] if inside.count("/") > 1 else None
            other = included.split("/")[1] if target == folder and included.count("/") > 1 else None
            if own in parts and other in (*parts, JOINS.get(folder)) and own != other:
                findings.append(f"{name}: {folder}/{own} and {folder}/{other} do not see each other ({included})")
    return findings


SAMPLE = {
    "src/base/bad_up.h": '#include "wire/cbor.h"\n',
    "src/wire/good.h": '#include "base/bytes.h"\n#include <vector>\n',
    "src/host/bad_attest.cpp": '#include "attest/verify.h"\n',
    "src/attest/core/bad_verify.cpp": '#include "attest/verify.h"\n',
    "src/attest/core/good.cpp": '#include "attest/core/chain.h"\n#include "wire/x509.h"\n',
    "src/http/bad_ssl.cpp": "#include <openssl/ssl.h>\n",
    "src/cli/bad_program.cpp": '#include "host/drivers/driver.h"\n',
    "src/runtime/boot/bad_sibling.cpp": '#include "runtime/app/fence.h"\n',
    "src/runtime/boot/bad_upward.cpp": '#include "runtime/cage/cage.h"\n',
    "src/runtime/cage/good_joins.cpp": '#include "runtime/boot/journal.h"\n#include "runtime/app/probe.h"\n',
    "src/runtime/main.cpp": '#include "runtime/app/fence.h"\n',
}

if __name__ == "__main__":
    house.main(check, SAMPLE)
