# SPDX-License-Identifier: Apache-2.0
"""What the linker put into the two builds of the runtime, by its own map: the isolated one has no object of runtime/egress or of
the DNS and egress messages, and no symbol of their namespaces; the networked one has them all, so that the test could fail."""

import os
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CAGES_BIN", ROOT / "build/release/bin")).parent
# An archive or object, and the members of libcages_wire.a that nothing but egress needs.
OBJECTS = re.compile(r"libcages_runtime_egress\.a|\((?:dns|dns_name|egress|name_query|list_digest|allow_list)\.cpp\.o\)|networked\.cpp\.o")
SYMBOLS = re.compile(r"cages::runtime::egress|cages::wire::dns|cages::wire::\w*(?:egress|name_(?:query|answer))"
                     r"|cages7runtime6egress|cages4wire3dns|AllowList")
# So that a renamed file or namespace is noticed: each must be in the networked build.
EXPECTED = ["libcages_runtime_egress.a", "(dns.cpp.o)", "(dns_name.cpp.o)", "(egress.cpp.o)", "(name_query.cpp.o)", "(list_digest.cpp.o)",
            "(allow_list.cpp.o)", "networked.cpp.o", "cages::runtime::egress::", "cages::wire::dns::", "cages::wire::parse_egress_answer",
            "cages::wire::parse_name_answer", "cages::policy::AllowList"]


def read_map(program):
    path = BUILD / f"{program}.map"
    if not path.exists():
        print(f"skipped: there is no {path}", file=sys.stderr)
        sys.exit(77)
    return path.read_text()


class LinkMap(unittest.TestCase):
    def test_the_isolated_runtime_has_nothing_of_egress(self):
        text = read_map("cage-runtime-isolated")
        self.assertIn("isolated.cpp.o", text)
        found = [line for line in text.splitlines() if OBJECTS.search(line) or SYMBOLS.search(line)]
        self.assertEqual(found, [])

    def test_the_networked_runtime_has_all_of_it(self):
        text = read_map("cage-runtime")
        self.assertEqual([word for word in EXPECTED if word not in text], [])

    def test_the_two_are_otherwise_of_the_same_objects(self):
        def objects(program):
            return {name for name in re.findall(r"libcages_\w+\.a\([\w.]+\)", read_map(program)) if not OBJECTS.search(name)}
        self.assertEqual(objects("cage-runtime-isolated") - objects("cage-runtime"), set())


if __name__ == "__main__":
    unittest.main()
