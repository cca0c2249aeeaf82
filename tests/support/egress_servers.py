#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Servers that an app in a cage calls: HTTPS, an SMTP-like one that speaks first, echo. One process, threads; ends with its stdin."""

import http.server
import socket
import ssl
import sys
import threading


def serve(address, port, answer):
    listener = socket.create_server((address, port), backlog=128)

    def one(connection):
        with connection:
            answer(connection)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
    # The client's end came; only then the last word.
    connection.sendall(b"[end]")


def smtp(connection):
    connection.sendall(b"220 mail.example.test here\r\n")
    lines = connection.makefile("rb")
    for line in lines:
        verb = line.split()[0].upper() if line.split() else b""
        if verb == b"QUIT":
            connection.sendall(b"221 bye\r\n")
            return
        if verb == b"DATA":
            connection.sendall(b"354 go on\r\n")
            for text in lines:
                if text == b".\r\n":
                    break
        connection.sendall(b"250 ok\r\n")


class Https(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = ("hello over https, " + self.headers["Host"] + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    web, mail, plain, certificate, key = sys.argv[1:6]
    server = http.server.ThreadingHTTPServer((web, 443), Https)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    serve(mail, 25, smtp)
    serve(plain, 7, echo)
    serve(web, 8080, echo)
    serve(plain, 80, echo)
    print("listening", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
