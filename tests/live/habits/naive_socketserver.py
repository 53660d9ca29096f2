"""As ``socketserver`` is documented, but in a loop: a ``recv`` is a name; one client at a time."""

import socketserver
import sys


class Greeter(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"Welcome!")
        while data := self.request.recv(1024).strip():
            if data == b"exit":
                return
            self.request.sendall(b"Hello, " + data + b"!")


socketserver.TCPServer.allow_reuse_address = True
with socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Greeter) as server:
    server.serve_forever()
