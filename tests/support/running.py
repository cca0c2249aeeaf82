# SPDX-License-Identifier: Apache-2.0
"""A platform for end-to-end tests: caged and cage-host as an operator starts them, with cages built, deployed and called by `cage`."""

import json
import os
import pathlib
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import project

TIME = 60


def build_app(path):
    """tests/support/secret_app.c, static, at `path`."""
    source = project.TOP / "tests/support/secret_app.c"
    subprocess.run([os.environ.get("CC", "clang-19"), "-static", "-O1", "-o", path, source], check=True)


class Case(project.Case):
    def setUp(self):
        super().setUp()
        for name in ("CAGE_URL", "CAGE_API_KEY"):
            self.env.pop(name, None)
        self.state = pathlib.Path(self.env["CAGE_STATE_DIR"]) / "state"
        self.programs = {}
        self.addCleanup(self.stop_all)

    def start(self, name, *arguments):
        """Starts a program of ours; what it prints goes to a file of its name below self.top."""
        out = open(self.top / (name + ".out"), "ab")
        err = open(self.top / (name + ".err"), "ab")
        self.programs[name] = subprocess.Popen([project.BIN / name, *map(str, arguments)], env=self.env, stdout=out, stderr=err)
        out.close()
        err.close()

    def stop(self, name):
        program = self.programs.pop(name)
        program.send_signal(signal.SIGTERM)
        try:
            return program.wait(TIME)
        except subprocess.TimeoutExpired:
            program.kill()
            return program.wait()

    def stop_all(self):
        for name in reversed(list(self.programs)):
            self.stop(name)

    def said(self, name, stream="err"):
        return (self.top / f"{name}.{stream}").read_bytes().decode(errors="replace")

    def until(self, condition, what, seconds=TIME):
        """Waits for a true value and returns it; fails where a program ended meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            for name, program in self.programs.items():
                self.assertIsNone(program.poll(), f"{name} ended: {self.said(name)[-3000:]}")
            time.sleep(0.05)
        self.fail(f"no {what} in {seconds} s: " + "".join(self.said(name)[-3000:] for name in self.programs))

    def start_caged(self):
        nsm = self.state / "nsm"
        nsm.mkdir(parents=True, mode=0o700, exist_ok=True)
        told = subprocess.run([project.BIN / "cage-nsm", "root", "--json", "--state", nsm], check=True, capture_output=True, timeout=TIME)
        (self.top / "nsm-root.pem").write_text(json.loads(told.stdout)["root"])
        (self.state / "caged/ports.json").unlink(missing_ok=True)
        self.start("caged", "--development")
        self.until((self.state / "caged/ports.json").exists, "caged")
        self.ports = json.loads((self.state / "caged/ports.json").read_text())
        self.api_key = (self.state / "caged/api-key").read_text()
        self.platform = self.call("GET", "/v1/platform")
        self.ca_file = self.top / "cages-ca.pem"
        self.ca_file.write_text(self.platform["cage_authorities"][self.platform["class"]])

    def call(self, method, path, body=None, key=None):
        """One request to the API: its JSON, or the code of the refusal."""
        tls = ssl.create_default_context(cafile=str(self.state / "caged/api-ca.pem"))
        request = urllib.request.Request(f"https://localhost:{self.ports['api']}{path}", method=method, data=body)
        request.add_header("Authorization", f"Bearer {key or self.api_key}")
        try:
            with urllib.request.urlopen(request, context=tls, timeout=TIME) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)["error"]["code"]

    def start_host(self, more=""):
        """Starts cage-host; `more` is added to its configuration."""
        folder = self.top / "h"
        folder.mkdir(mode=0o700, exist_ok=True)
        code = self.top / "enrol-code"
        code.write_text(self.call("POST", "/v1/enrolments", b'{"name":"h1"}')["code"])
        code.chmod(0o600)
        settings = {"caged": f"127.0.0.1:{self.ports['hosts']}", "state": str(folder / "state"), "run": str(folder / "run"),
                    "ingress": "127.0.0.1:0", "observe": "127.0.0.1:0", "nsm_state": str(self.state / "nsm")}
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
        (self.top / "host.toml").write_text("".join(lines) + "shared_kernel = true\n" + more)
        (folder / "run").mkdir(mode=0o700)
        self.start("cage-host", "serve", "--development", "--config", self.top / "host.toml", "--enrol-file", code)
        line = self.until(lambda: [x for x in self.said("cage-host", "out").splitlines() if "listening" in x], "listening host")[0]
        self.ingress, self.observe = json.loads(line)["ingress"], json.loads(line)["observe"]

    def observed(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.observe}{path}", timeout=TIME) as answer:
            text = answer.read()
        return text.decode() if path == "/metrics" else json.loads(text)

    def app_project(self, name, settings=""):
        """A project whose image is tests/support/secret_app.c, operated by the running platform."""
        app = self.top / "secret_app"
        if not app.exists():
            build_app(app)
        folder = self.project({"root/app": (app.read_bytes(), 0o755)}, name, "", 'rootfs = "root"\ncommand = ["/app"]')
        text = (folder / "cage.toml").read_text().replace('name = "test"', f'name = "{name}"\nport = 8080')
        (folder / "cage.toml").write_text(text + settings)
        roots = json.dumps(self.platform["roots"])
        (folder / "cage.lock").write_text(f'version = 1\n[platform]\nurl = "https://example.com"\nroots = {roots}\n')
        return folder

    def deploy(self, app, image):
        """Uploads an image and waits until it is live."""
        deployment = self.call("POST", f"/v1/apps/{app}/deployments", pathlib.Path(image).read_bytes())
        self.assertIsInstance(deployment, dict, deployment)
        self.until(lambda: self.state_of(app, deployment["version"]) == "live", f"live {app}")
        return deployment

    def state_of(self, app, version):
        listed = self.call("GET", f"/v1/apps/{app}/deployments")["deployments"]
        return next(one["state"] for one in listed if one["version"] == version)

    def attested(self, folder, deployment, *words, verb="curl"):
        """`cage curl` to a deployment, with the PCRs that its build wrote."""
        name = deployment["names"][0]
        return self.cage(verb, "--root", self.top / "nsm-root.pem", "--cacert", self.ca_file, "--resolve",
                         f"{name}:{self.ingress}:127.0.0.1", "--project", folder, *words, f"https://{name}:{self.ingress}/")
