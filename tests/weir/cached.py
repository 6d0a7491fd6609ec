"""A server that caches in front of an origin, for the tests of the cache, and what these say of it time and again."""

import email.utils
import os
import signal
import threading
import time

import pytest

from weir.recorder import Origin, answer
from weir.server import children, wait_for
from weir.wire import Connection, fetch

PATH = "proxy_cache_path %PREFIX%/cache keys_zone=c:4m memory=8m inactive=1h;"
FRESH = ("Cache-Control", "max-age=3600")
STALE = [("Cache-Control", "max-age=10"), ("Age", "20")]
TAG = ("ETag", '"a"')


def date(seconds=0):
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


class Front:
    """A server that caches, an origin behind it; `replies` are given in turn, the last one again and again."""

    path, own = PATH, "cache_status on;"

    def __init__(self, make_server, *replies, more="", http="", location="/", zone="c", **parts):
        self.replies, self.numbers = list(replies), 0
        self.origin = Origin(self.reply)
        conf = f"""{self.own} location {location} {{ proxy_pass http://127.0.0.1:{self.origin.port}; proxy_cache {zone};
                   add_header X-Cache $upstream_cache_status always; {more} }}"""
        self.server = make_server(conf, http=self.path + http, **parts).start()

    def reply(self, request):
        reply = self.replies[min(self.numbers, len(self.replies) - 1)]
        self.numbers += 1
        return reply(request) if callable(reply) else reply

    def get(self, path="/", method="GET", fields=(), **rest):
        return fetch(self.server.port, path, method=method, fields=[f"{n}: {v}" for n, v in fields], **rest)

    @property
    def asked(self):
        return len(self.origin.requests)


def fronts(make_server, kind=Front):
    """For a fixture: a function that makes them, whose origins end with the test."""
    made = []

    def make(*replies, **parts):
        made.append(kind(make_server, *replies, **parts))
        return made[-1]

    yield make
    for one in made:
        one.origin.stop()


@pytest.fixture
def front(make_server):
    yield from fronts(make_server)


# ---- What origins say. ----

def numbered(*fields, status="200 OK", length=True):
    """Answers that differ: X-N and the body are 1, 2, ..."""
    count = iter(range(1, 10000))

    def reply(request):
        n = next(count)
        return answer(f"body {n}".encode(), status=status, fields=[*fields, ("X-N", str(n))], length=length)
    return reply


def confirmed(*fields):
    def reply(request):
        lines = "".join(f"{n}: {v}\r\n" for n, v in fields)
        return f"HTTP/1.1 304 Not Modified\r\n{lines}\r\n".encode()
    return reply


class Held:
    """A reply in two parts, each let go by an event."""

    def __init__(self, head=(), first=b"first", rest=b" and the rest"):
        self.start, self.go_on, self.came = threading.Event(), threading.Event(), threading.Event()
        self.fields, self.first, self.rest = [FRESH, *head], first, rest

    def __call__(self, request):
        def parts():
            self.came.set()
            self.start.wait(30)
            yield answer(b"", fields=[*self.fields, ("Transfer-Encoding", "chunked")], length=None)
            yield b"%x\r\n%s\r\n" % (len(self.first), self.first)
            self.go_on.wait(30)
            yield b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.rest), self.rest)
        return parts()


# ---- What is asked and seen. ----

def is_used(front, *fields, first=(), second=(), status="200 OK", method="GET", **parts):
    """Is a response with these fields used for a second request?"""
    one = front(numbered(*fields, status=status), **parts)
    a = one.get(fields=first, method=method)
    b = one.get(fields=second, method=method)
    assert a.get("X-N") == "1" and a.status == int(status.split()[0])
    assert one.asked in (1, 2) and (b.get("X-N") == "1") == (one.asked == 1)
    return one.asked == 1


def all_at_once(one, n, path="/"):
    """n clients that have asked, on connections of their own."""
    made = [Connection(one.server.port) for _ in range(n)]
    for c in made:
        c.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return made


def bodies(clients):
    return {c.response(b"GET").body for c in clients}


def files(one):
    return [p for p in (one.server.prefix / "cache").rglob("*") if p.is_file() and len(p.name) == 32]


def bytes_of(one):
    """What the files take; one may go while they are looked at."""
    total = 0
    for path in files(one):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            pass
    return total


def restart(one):
    one.server.process.send_signal(signal.SIGQUIT)
    one.server.process.wait(30)
    one.server.start()


def holder(one, client):
    """The worker that holds the connection; None before it is accepted."""
    host, port = client.sock.getsockname()[:2]
    wanted = f"{int.from_bytes(bytes(map(int, host.split('.'))), 'little'):08X}:{port:04X}"
    for pid in children(one.server.process.pid):
        inodes = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
            except OSError:
                pass
        with open(f"/proc/{pid}/net/tcp") as table:
            for line in table.readlines()[1:]:
                parts = line.split()
                if parts[2] == wanted and f"socket:[{parts[9]}]" in inodes:
                    return pid
    return None


def owner_of(one, client):
    """The worker that holds the connection, or is about to."""
    return wait_for("somebody who holds the connection", lambda: holder(one, client))
