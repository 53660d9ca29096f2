"""Lines, by ``socketserver``: keeps the newline; a line has at most 64 KiB."""

import socketserver
import sys

MOST_BYTES = 65_536


class Greeter(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            self.greet()
            self.connection.shutdown(1)
            self.connection.settimeout(2)
            while self.connection.recv(65_536):  # unread, it would reset the connection
                pass
        except OSError:  # the client is gone
            pass

    def greet(self) -> None:
        self.wfile.write(b"Welcome!")
        while line := self.rfile.readline(MOST_BYTES + 2):
            name = line.rstrip(b"\r\n")
            if name == b"exit" or len(name) > MOST_BYTES:
                return
            if name:
                self.wfile.write(b"Hello, " + name + b"!" + line[len(name) :])


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 512


with Server(("127.0.0.1", int(sys.argv[1])), Greeter) as server:
    server.serve_forever()
