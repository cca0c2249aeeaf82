# SPDX-License-Identifier: Apache-2.0
"""The app of a cage in egress tests: runs what it is told and answers with what came out. POST {"argv", "stdin"}."""

import http.server
import json
import subprocess


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            done = subprocess.run(asked["argv"], input=asked.get("stdin", ""), capture_output=True, text=True, timeout=25)
            self.answer({"code": done.returncode, "out": done.stdout, "err": done.stderr})
        except (OSError, subprocess.TimeoutExpired) as error:
            self.answer({"code": -1, "out": "", "err": str(error)})

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
