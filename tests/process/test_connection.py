"""What one connection may cost, and what it is told when an answer cannot be whole."""

import fcntl
import os
import socket
import struct
import termios
import time

from weir.server import BINARY, cpu_seconds, status_kb, wait_for
from weir.wire import TIMEOUT, ReceiveQueue

OK = 'location / { return 200 "ok"; }'
SANITIZED = "san" in BINARY


def connect(server, receive=None):
    sock = socket.socket()
    if receive is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    sock.settimeout(TIMEOUT)
    sock.connect(("127.0.0.1", server.port))
    return sock


def waiting(sock):
    """Bytes that came and were not read yet."""
    return int.from_bytes(fcntl.ioctl(sock, termios.FIONREAD, bytes(4)), "little")


def read_all(sock):
    got = b""
    while True:
        more = sock.recv(1 << 16)
        if not more:
            return got
        got += more


def worker_of(server):
    return wait_for("a worker", lambda: server.pid_file.exists() and server.workers())[0]


def test_limit_rate_waits_without_work(make_server):
    """A connection held back by limit_rate sleeps, and keeps no more memory with time."""
    server = make_server("location / { limit_rate 20k; }", {"f": b"x" * 60000}, single=False).start()
    worker = worker_of(server)
    sock = connect(server)
    before = cpu_seconds(worker)
    sock.sendall(b"GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    begin = time.monotonic()
    got = read_all(sock)
    assert got.endswith(b"x" * 60000)
    assert time.monotonic() - begin > 1.5
    assert cpu_seconds(worker) - before < 0.5


def test_answers_nobody_reads_do_not_gather(make_server):
    """Pipelined HEAD requests: no further one is taken while answers wait."""
    server = make_server("keepalive_requests 10000000; add_header X-Fill " + "x" * 500 + ";" + OK, single=False).start()
    worker = worker_of(server)
    before = status_kb(worker, "RssAnon")
    sock = connect(server, 4096)
    sock.settimeout(1)
    request = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000
    sent = 0
    try:
        while sent < 60 << 20:
            sent += sock.send(request)
    except TimeoutError:
        pass
    assert sent < 60 << 20                  # it stopped reading
    if not SANITIZED:
        assert status_kb(worker, "RssAnon") - before < 4096
    sock.settimeout(TIMEOUT)
    answers = 0
    while answers < 5000:                   # and goes on when they are read
        answers += sock.recv(1 << 16).count(b"HTTP/1.1 200")


def test_every_pipelined_answer_comes_when_reading_begins_late(make_server):
    server = make_server("location = / { return 200 ok; }", {"f": bytes(range(256)) * 300}).start()
    sock = connect(server, 8192)
    count = 200
    sock.sendall(b"GET /f HTTP/1.1\r\nHost: a\r\n\r\n" * (count - 1)
                 + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    wait_for("answers to wait", lambda: waiting(sock) > 4000)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    assert read_all(sock).count(b"HTTP/1.1 200 OK\r\n") == count


def test_a_body_sent_byte_by_byte_is_whole_and_cheap(make_server):
    """Chunks of one byte do not cost a buffer each."""
    size = 60000
    server = make_server("client_body_buffer_size 64k; location / { echo on; }",
                         main="load_module %MODULE:echo%;", single=False).start()
    worker = worker_of(server)
    before = status_kb(worker, "RssAnon")
    sock = connect(server)
    sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
    sock.sendall(b"1\r\nx\r\n" * size)
    wait_for("all to be read", lambda: ReceiveQueue(sock).unread() == 0)
    if not SANITIZED:
        assert status_kb(worker, "RssAnon") - before < 1024
    sock.sendall(b"0\r\n\r\n")
    assert read_all(sock).split(b"\r\n\r\n", 1)[1].count(b"x") == size


def test_a_client_that_shuts_its_side_gets_its_answer(make_server):
    server = make_server(OK).start()
    sock = connect(server)
    sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
    sock.shutdown(socket.SHUT_WR)
    assert read_all(sock).count(b"HTTP/1.1 200 OK") == 3


def test_too_large_a_body_is_told_although_the_client_shut_its_side(make_server):
    server = make_server("client_max_body_size 10;" + OK).start()
    sock = connect(server)
    sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + b"x" * 100)
    sock.shutdown(socket.SHUT_WR)
    assert read_all(sock).startswith(b"HTTP/1.1 413")


def test_a_cut_answer_that_ends_with_the_connection_ends_with_a_reset(make_server):
    """Its end must not look like the body's."""
    server = make_server("client_max_body_size 1m; send_timeout 1s;"
                         "location / { chunked_transfer_encoding off; gzip on; gzip_types *; }",
                         {"f.txt": os.urandom(1 << 20) * 12}).start()
    sock = connect(server, 4096)
    sock.sendall(b"GET /f.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
    assert b"Content-Length" not in sock.recv(2000).split(b"\r\n\r\n")[0]
    def was_reset():
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
    wait_for("reset", was_reset)


def test_a_reset_in_the_middle_of_everything_harms_nobody(make_server):
    server = make_server("location = / { return 200 ok; }", {"f": b"x" * 3000000}).start()
    for i in range(60):
        sock = connect(server, 4096)
        sock.sendall(b"GET /f HTTP/1.1\r\nHost: a\r\n\r\n" * (1 + i % 3)
                     + b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n"[:10 * (i % 6)])
        if i % 2:
            sock.recv(5000)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    sock = connect(server)
    sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"200 OK" in read_all(sock)
