# SPDX-License-Identifier: Apache-2.0
"""Notes kept in memory: a web service in Python, with nothing but the standard library."""

import http.server
import json
import os
import secrets
import signal
import sys

BODY_BYTES_MAX = 64 * 1024
NOTES_MAX = 1000
notes = {}


class Notes(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, {"status": "ok"})
        note = notes.get(self.path.removeprefix("/notes/"))
        return self.answer(404, {"error": "no such note"}) if note is None else self.answer(200, note)

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/notes" or not 0 < length <= BODY_BYTES_MAX:
            self.close_connection = True
            return self.answer(400, {"error": "POST a note of at most 64 KiB to /notes"})
        text = self.rfile.read(length).decode("utf-8", "replace")
        if len(notes) >= NOTES_MAX:
            notes.pop(next(iter(notes)))
        name = secrets.token_hex(8)
        notes[name] = {"id": name, "text": text, "user": os.getuid()}
        return self.answer(201, notes[name])

    def log_message(self, format, *args):  # noqa: A002 (the base class calls it so)
        print(self.command, self.path.split("/")[1], args[1] if len(args) > 1 else "", flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = http.server.ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Notes)
    print(f"notes: listening on port {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
