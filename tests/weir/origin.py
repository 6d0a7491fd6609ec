"""Origins that a server under test is put in front of: one that says exactly what a test tells it.

Origin(script) listens on a port of the kernel's. Each connection is handed to script(talk), which
reads requests and sends bytes as it likes; the connection ends when script returns.
"""

import socket
import struct
import threading

TIMEOUT = 15


class Talk:
    """One connection from the server under test."""

    def __init__(self, sock, number):
        self.sock, self.number, self.buffer = sock, number, b""
        sock.settimeout(TIMEOUT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def more(self):
        data = self.sock.recv(65536)
        self.buffer += data
        return data != b""

    def request(self):
        """The head and body of the next request as bytes, or None at the end."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                return None
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self.buffer = rest
        while len(self.buffer) < length:
            if not self.more():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return head + b"\r\n\r\n" + body

    def send(self, data, pieces=0):
        """Send; pieces: so many bytes at a time."""
        step = pieces or len(data) or 1
        for at in range(0, len(data), step):
            self.sock.sendall(data[at:at + step])

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_for_end(self):
        """Until the other side has closed; True if it did so without sending more."""
        try:
            return self.buffer == b"" and self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


class Origin:
    """See above. requests: all that came, in order; connections: how many were made."""

    def __init__(self, script):
        self.script, self.requests, self.connections, self.talks = script, [], 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            talk = Talk(sock, self.connections)
            self.connections += 1
            self.talks.append(talk)
            threading.Thread(target=self.serve, args=(talk,), daemon=True).start()

    def serve(self, talk):
        try:
            self.script(talk)
        except OSError:
            pass
        talk.sock.close()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for talk in self.talks:
            try:
                talk.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def answers(data, close=False, pieces=0):
    """A script: every request is answered with these bytes."""
    def script(talk):
        while (request := talk.request()) is not None:
            talk.last = request
            talk.send(data, pieces)
            if close:
                return
    return script
