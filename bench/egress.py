#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""egress.py: an app's way out, in turns: (a) direct, (b) two socat hops, (c) HAProxy `mode tcp` twice with splice-auto, (d) a cage, the
whole path. Servers are in another network namespace; (b) and (c) have the shape of (d): TCP, a Unix socket, TCP. As root."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/support"))
sys.path.insert(0, str(TOP / "tests/e2e"))
import measure  # noqa: E402
import client_root  # noqa: E402
import egress_any_tcp_protocol_by_name_test as whole_path  # noqa: E402
import namespaces  # noqa: E402
import project  # noqa: E402

SECONDS = os.environ.get("SECONDS_EACH", "2")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
BULK, SMALL = 5201, 5202
HAPROXY = """global
  maxconn 4000
  nbthread 1
defaults
  mode tcp
  option splice-auto
  timeout connect 5s
  timeout client 1h
  timeout server 1h
"""
CLIENTS = ("iperf3", "egress_client", "python3")


class Bench(whole_path.Egress):
    def runTest(self):
        self.build_tools()
        self.in_servers("iperf3", "-s", "-B", whole_path.ECHO, "-p", BULK)
        self.in_servers(self.tool, "serve", whole_path.ECHO, SMALL)
        records = [f"--host-record=perf.example.test,{whole_path.ECHO}"]
        self.in_servers("dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--bind-interfaces", "--pid-file=",
                        "--user=root", f"--listen-address={whole_path.DNS}", "--local-ttl=60", *records)
        self.wait_for(whole_path.ECHO, SMALL)
        self.ways = {"direct": (self.here, whole_path.ECHO, 0, list)}
        self.start_socat()
        self.start_haproxy()
        self.start_platform()
        self.measure_all()

    def build_tools(self):
        self.tool = self.top / "egress_client"
        compiler = os.environ.get("CC", "clang-19")
        subprocess.run([compiler, "-O2", "-pthread", "-o", self.tool, TOP / "bench/egress_client.c"], check=True)

    def here(self, *words):
        return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False).stdout

    def program(self, *words):
        made = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(made.wait)
        self.addCleanup(made.kill)
        return made.pid

    def start_socat(self):
        pids = []
        for port in (BULK, SMALL):
            path = self.top / f"socat-{port}"
            pids.append(self.program("socat", f"UNIX-LISTEN:{path},fork,backlog=512", f"TCP:{whole_path.ECHO}:{port},nodelay"))
            self.until(path.exists, "socat")
            pids.append(self.program("socat", f"TCP-LISTEN:{port + 1000},bind=127.0.0.1,reuseaddr,fork,backlog=512,nodelay", f"UNIX:{path}"))
        self.ways["socat twice"] = (self.here, "127.0.0.1", 1000, lambda: pids)

    def start_haproxy(self):
        near, far = HAPROXY, HAPROXY
        for port in (BULK, SMALL):
            path = self.top / f"haproxy-{port}"
            near += f"listen n{port}\n  bind 127.0.0.1:{port + 2000}\n  server s unix@{path}\n"
            far += f"listen f{port}\n  bind unix@{path}\n  server s {whole_path.ECHO}:{port}\n"
        pids = []
        for name, text in (("far", far), ("near", near)):
            (self.top / name).write_text(text)
            pids.append(self.program("haproxy", "-f", self.top / name, "-db"))
            if name == "far":
                self.until((self.top / f"haproxy-{SMALL}").exists, "haproxy")
        self.ways["HAProxy twice"] = (self.here, "127.0.0.1", 2000, lambda: pids)

    def start_platform(self):
        self.start_caged()
        self.start_host(f'[egress]\ndns_servers = ["{whole_path.DNS}"]\ndials_per_second = 100000\n')
        self.start_cage("perf", True)

        def through(*words):
            return self.inside(*map(str, words))["out"]

        def pids():
            found = measure.descendants(self.programs["cage-host"].pid)
            return [pid for pid, name in found.items() if not name.startswith(CLIENTS)]
        self.ways["a cage"] = (through, "perf.example.test", 0, pids)

    def client_project(self, name, egress):
        folder = self.project({"root/app.py": (TOP / "tests/support/run_for_me.py").read_text()}, name, "",
                              'rootfs = "root"\ncommand = ["/usr/bin/python3", "/app.py"]')
        client_root.add_python(folder / "root")
        client_root.add(folder / "root", shutil.which("iperf3"), str(self.tool))
        shutil.copy(self.tool, folder / "root/egress_client")
        (folder / "root/tmp").mkdir(exist_ok=True)
        text = (folder / "cage.toml").read_text().replace('name = "test"', f'name = "{name}"\nport = 8080')
        (folder / "cage.toml").write_text(text + f'[egress]\nallow = ["perf.example.test:{BULK},{SMALL}"]\n')
        roots = json.dumps(self.platform["roots"])
        (folder / "cage.lock").write_text(f'version = 1\n[platform]\nurl = "https://example.com"\nroots = {roots}\n')
        return folder

    def one(self, way, command):
        """(what the client measured, CPU of the proxies in seconds)."""
        run, host, offset, pids = self.ways[way]
        before = cpu(pids())
        return command(run, host, offset, way), cpu(pids()) - before

    def bulk(self, size, streams, *more):
        def command(run, host, offset, _):
            for _ in range(10):
                out = run("/usr/bin/iperf3", "-c", host, "-p", BULK + offset, "-t", SECONDS, "-J", "-l", size, "-P", streams, *more)
                end = json.loads(out or "{}").get("end", {})
                if "sum_received" in end:
                    return end["sum_received"]["bits_per_second"] / 1e9, end["sum_received"]["bytes"] / 1e9
            raise SystemExit(f"iperf3 through {host}: {out[-400:]}")
        return command

    def small(self, mode):
        def command(run, host, offset, way):
            tool = "/egress_client" if way == "a cage" else self.tool
            return [float(x) for x in run(tool, mode, host, SMALL + offset, SECONDS).split()]
        return command

    def measure_all(self):
        rows = []
        for size in ("4K", "64K", "1M"):
            for streams in (1, 8):
                rows.append((f"{streams} × {size} out, Gbit/s", self.bulk(size, streams), "s/GB"))
                rows.append((f"{streams} × {size} in, Gbit/s", self.bulk(size, streams, "-R"), "s/GB"))
        rows += [("64 B there and back, p50 µs", self.small("pingpong"), None), ("connects a second", self.small("connects"), "µs each")]
        print("| what | " + " | ".join(self.ways) + " | cage : socat | cage : HAProxy |", flush=True)
        print("|---|" + "---|" * (len(self.ways) + 2), flush=True)
        for what, command, unit in rows:
            found = measure.take_turns({way: lambda way=way: self.one(way, command) for way in self.ways}, ROUNDS)
            report(what, found, unit)


def cpu(pids):
    """Also of children that were waited for: socat makes one a connection."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def report(what, found, unit):
    values = {way: [result[0] for result, _ in each] for way, each in found.items()}
    cells = []
    for way, each in found.items():
        cell = measure.spread(values[way], digits=1)
        if "p50" in what:
            cell += "; p99 " + measure.spread([result[1] for result, _ in each], digits=0)
        if unit == "s/GB":
            cell += f"; CPU {sum(c for _, c in each) / sum(r[1] for r, _ in each):.2f} {unit}"
        if unit == "µs each":
            cell += f"; CPU {1e6 * sum(c for _, c in each) / sum(r[0] * float(SECONDS) for r, _ in each):.0f} {unit}"
        cells.append(cell)
    ratios = [f"{measure.ratio(values['a cage'], values[other]):.2f}" for other in ("socat twice", "HAProxy twice")]
    print(f"| {what} | " + " | ".join(cells + ratios) + " |", flush=True)


if __name__ == "__main__":
    project.need(project.CAGE, "iperf3", "socat", "haproxy", "dnsmasq", "clang-19")
    namespaces.enter()
    bench = Bench()
    Bench.setUpClass()
    bench.setUp()
    try:
        bench.runTest()
    finally:
        bench.doCleanups()
