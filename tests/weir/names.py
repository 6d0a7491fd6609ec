"""A name server on loopback, over UDP and TCP, that also lies, mumbles and keeps silent.

    names = NameServer()
    names.add("app.test", "A", "127.0.0.1", ttl=2)
    names.add("www.test", "CNAME", "app.test")
    names.add("_http._tcp.test", "SRV", (10, 5, 8080, "app.test"))
    names.manner["slow.test"] = "silence"

What is asked is kept in `asked`, as (name, type) in order.
"""

import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "AAAA": 28, "SRV": 33, "OPT": 41}
WORDS = {number: word for word, number in TYPES.items()}
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5


def name_bytes(name):
    """A name on the wire, not compressed; labels are bytes of any kind."""
    out = b""
    for label in name.strip(".").encode("latin-1").split(b"."):
        out += bytes([len(label)]) + label if label else b""
    return out + b"\0"


def read_question(packet):
    """(id, name, type, the question's bytes)."""
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
        at += 1 + packet[at]
    kind = struct.unpack_from("!H", packet, at + 1)[0]
    return struct.unpack_from("!H", packet)[0], ".".join(labels).lower(), kind, packet[12:at + 5]


def rdata(kind, value):
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "CNAME":
        return name_bytes(value)
    if kind == "SRV":
        priority, weight, port, target = value
        return struct.pack("!HHH", priority, weight, port) + name_bytes(target)
    return value


def record(name, kind, value, ttl):
    data = rdata(kind, value)
    return name_bytes(name) + struct.pack("!HHIH", TYPES[kind], 1, ttl & 0xffffffff, len(data)) + data


class NameServer:
    def __init__(self, host="127.0.0.1"):
        self.records = {}               # (name, type) -> [(value, ttl)]
        self.manner = {}                # name -> how it is answered, see answer()
        self.asked = []
        self.clients = []               # addresses that asked, in order
        self.lock = threading.Lock()
        self.tcp = socket.create_server((host, 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((host, self.port))
        self.address = f"{host}:{self.port}"
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def close(self):
        for sock in self.udp, self.tcp:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
        for thread in self.threads:
            thread.join(5)

    # -- what it knows

    def add(self, name, kind, value, ttl=60):
        with self.lock:
            self.records.setdefault((name, kind), []).append((value, ttl))

    def remove(self, name, kind):
        with self.lock:
            self.records.pop((name, kind), None)

    def replace(self, name, kind, values, ttl=60):
        with self.lock:
            self.records[name, kind] = [(value, ttl) for value in values]

    def count(self, name, kind="A"):
        """How often it was asked."""
        with self.lock:
            return self.asked.count((name, kind))

    # -- answering

    def chain(self, name, kind):
        """The records for a question: aliases followed, then what there is at the end."""
        found, seen = [], set()
        while (name, "CNAME") in self.records and name not in seen:
            seen.add(name)
            target, ttl = self.records[name, "CNAME"][0]
            found.append(record(name, "CNAME", target, ttl))
            name = target
        return found + [record(name, kind, value, ttl) for value, ttl in self.records.get((name, kind), [])]

    def known(self, name):
        return any(have == name for have, _ in self.records)

    def answer(self, packet, over_tcp):
        """The packets to send for one question."""
        number, name, kind, question = read_question(packet)
        word = WORDS.get(kind, str(kind))
        with self.lock:
            self.asked.append((name, word))
            manner = self.manner.get(name)
            records = self.chain(name, word)
            code = 0 if records or self.known(name) else NXDOMAIN
        if callable(manner):
            return manner(number, question, word)

        def packet_of(number, code, records, question=question, flags=0x8180):
            return struct.pack("!6H", number, flags | code, 1, len(records), 0, 0) + question + b"".join(records)

        good = packet_of(number, code, records)
        lie = [record(name, "A", "127.0.0.66", 60)] if word == "A" else []
        return {
            None: [good],
            "silence": [],
            "servfail": [packet_of(number, SERVFAIL, [])],
            "refused": [packet_of(number, REFUSED, [])],
            # a stranger's guesses come before the answer
            "wrong id": [packet_of(number ^ 1, 0, lie), good],
            "wrong question": [packet_of(number, 0, lie, name_bytes("else.test") + question[-4:]), good],
            "another's record": [packet_of(number, code, [record("else.test", "A", "127.0.0.66", 60)])],
            "truncated": [good] if over_tcp else [packet_of(number, code, [], flags=0x8380)],
            "cut": [good[:-3]],
            "garbage": [struct.pack("!H", number) + bytes(range(255, 200, -1))],
            "loop": [packet_of(number, 0, [b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, 2) +
                                           struct.pack("!H", 0xc000 | (12 + len(question) + 12))])],
            "too many promised": [struct.pack("!6H", number, 0x8180, 1, 60000, 0, 0) + question + b"".join(records)],
        }[manner]

    # -- the wire

    def serve_udp(self):
        while True:
            try:
                packet, client = self.udp.recvfrom(4096)
            except OSError:
                return
            if not packet:
                return
            self.clients.append(client)
            try:
                for answer in self.answer(packet, False):
                    self.udp.sendto(answer, client)
            except OSError:
                return                  # closed meanwhile

    def serve_tcp(self):
        while True:
            try:
                sock, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(sock,), daemon=True).start()

    def serve_one(self, sock):
        with sock, sock.makefile("rb") as stream:
            while True:
                head = stream.read(2)
                if len(head) != 2:
                    return
                for answer in self.answer(stream.read(struct.unpack("!H", head)[0]), True):
                    sock.sendall(struct.pack("!H", len(answer)) + answer)
