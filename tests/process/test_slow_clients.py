"""Clients that are slow, idle or greedy."""

import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from weir.load import Load
from weir.server import BINARY, FLAVOUR, Server, configuration, status_kb, wait_for
from weir.wire import Connection, fetch, fetch_or_none

OK = 'location / { return 200 "ok"; }'
SHORT = "client_header_timeout 1s; client_body_timeout 1s; send_timeout 1s; keepalive_timeout 1s;"
SANITIZED = "san" in BINARY


def open_many(port, count, first=b""):
    """count connections, each having sent `first`; as many descriptors as that needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 500)), hard))
    held = []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", port), timeout=15)
        if first:
            sock.sendall(first)
        held.append(sock)
    return held


def closed_after(sock, limit):
    """Seconds until the server ends this connection."""
    begin = time.monotonic()
    sock.settimeout(limit)
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - begin


def drip(sock, bytes_each, gap, stop):
    """Send a little again and again until the server ends it; True once it did."""
    while not stop.wait(gap):
        try:
            sock.sendall(bytes_each)
            sock.setblocking(False)
            try:
                if sock.recv(4096) == b"":
                    return True
            except BlockingIOError:
                pass
            sock.setblocking(True)
        except OSError:
            return True
    return False


def test_slowloris_is_cut_while_a_good_client_is_served(make_server):
    """client_header_timeout is for the whole header, however often a byte comes."""
    server = make_server(SHORT + OK).start()
    held = open_many(server.port, 100, b"GET / HTTP/1.1\r\nHost: a\r\n")
    ends, stop = [], threading.Event()
    def one(sock):
        if drip(sock, b"X: y\r\n", 0.2, stop):
            ends.append(sock)
    threads = [threading.Thread(target=one, args=(s,), daemon=True) for s in held]
    for thread in threads:
        thread.start()
    with Load(server.port, keep=False) as load:
        wait_for("all cut", lambda: len(ends) == len(held))
    stop.set()
    load.assert_clean()
    for sock in held:
        sock.close()


@pytest.mark.parametrize("first", [b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\n",
                                   b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
                         ids=["nothing", "a byte", "half a header", "idle after an answer"])
def test_an_idle_connection_is_cut_in_time(make_server, first):
    server = make_server(SHORT + OK).start()
    sock = open_many(server.port, 1, first)[0]
    assert closed_after(sock, 30) <= 15     # and not after the minute of the default
    sock.close()


def test_a_client_that_does_not_read_is_cut(make_server):
    server = make_server(SHORT + "location / { }", files={"big": b"x" * 30_000_000}).start()
    sock = open_many(server.port, 1, b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")[0]
    wait_for("the server lets go", lambda: not connection_open(server.port, sock))
    sock.close()


def connection_open(port, sock):
    """The server's end of this connection still belongs to a process (it has an inode)."""
    there = f"{sock.getsockname()[1]:04X}"
    here = f"{port:04X}"
    for line in open("/proc/net/tcp").readlines()[1:]:
        fields = line.split()
        if fields[1].endswith(":" + here) and fields[2].endswith(":" + there):
            return fields[9] != "0"
    return False


def cut_for_slowness(server, stop):
    """Send and read a few bytes a second until the server has cut both; the seconds that took."""
    begin = time.monotonic()
    sender, reader = socket.create_connection(("127.0.0.1", server.port)), socket.socket()
    sender.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", server.extra_ports["PORT2"]))
    reader.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    slow = threading.Thread(target=drip, args=(sender, b"x", 0.25, stop))
    slow.start()

    def both_cut():
        said = server.log()
        if not stop.wait(0.25) and "response too slowly" not in said:
            try:
                cut = reader.recv(200) == b""
            except ConnectionResetError:
                cut = True
            if cut:
                wait_for("the reason", lambda: "response too slowly" in server.log())
        return stop.is_set() or "body too slowly" in said and "response too slowly" in said

    try:
        wait_for("both are cut", both_cut, 90)
        return time.monotonic() - begin
    finally:
        stop.set()
        slow.join()
        sender.close()
        reader.close()


@pytest.fixture(scope="module", autouse=True)
def both_cut():
    """Two clients that are too slow: it takes 20 seconds until they are cut, in which the other tests run."""
    if FLAVOUR != "weir":
        yield None
        return
    server, stop = Server({"big": b"x" * 3_000_000}), threading.Event()
    server.configure(configuration("client_body_timeout 5s; client_body_min_rate 500; send_min_rate 2k; location / { }"
                                   " location /echo { echo on; } listen 127.0.0.1:%PORT2% sndbuf=4k;",
                                   main="load_module %MODULE:echo%;"))
    server.start()
    try:
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(cut_for_slowness, server, stop)
            stop.set()
    finally:
        server.stop()


def test_a_body_of_a_kilobyte_a_second_lives(make_server):
    server = make_server("client_body_timeout 2s; location / { return 200 ok; }").start()
    with Connection(server.port) as conn:
        conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n")
        gap = threading.Event()
        for _ in range(4):
            gap.wait(1)
            conn.send(b"x" * 1024, methods=[])
        assert conn.response().status == 200


def test_five_thousand_idle_connections_cost_little(make_server):
    """A kilobyte each, and a good client does not notice."""
    server = make_server(OK, single=False, main="worker_processes 1; worker_rlimit_nofile 12000;",
                         events="").start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    old = server.workers()
    server.configure(server.text.replace("worker_connections 1024;", "worker_connections 6000;"))
    server.kill(1)
    wait_for("the new worker alone", lambda: old[0] not in server.workers() and len(server.workers()) == 1)
    for _ in range(50):
        fetch(server.port)
    worker = server.workers()[0]
    before = status_kb(worker, "RssAnon")
    held = open_many(server.port, 5000, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for sock in held:
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
    grown = status_kb(worker, "RssAnon") - before
    times = []
    for _ in range(100):
        begin = time.monotonic()
        assert fetch(server.port).status == 200
        times.append(time.monotonic() - begin)
    assert sorted(times)[50] < 0.05
    for sock in held:
        sock.close()
    if not SANITIZED:
        assert grown * 1024 / 5000 <= 1024 + 256, f"{grown * 1024 / 5000:.0f} bytes a connection"
    assert worker in server.workers()


def test_a_held_header_costs_less_than_64_kilobytes(make_server):
    server = make_server(OK, single=False, main="worker_processes 1;").start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    for _ in range(20):
        fetch(server.port)
    worker = server.workers()[0]
    before = status_kb(worker, "RssAnon")
    held = open_many(server.port, 200, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"y" * 7000 + b"\r\n")
    with Load(server.port) as load:
        load.wait_more(200)
    load.assert_clean()
    if not SANITIZED:
        assert (status_kb(worker, "RssAnon") - before) / 200 < 64
    for sock in held:
        sock.close()


@pytest.mark.weir_only
def test_a_memory_budget_refuses_new_work_and_nobody_dies(make_server):
    server = make_server(OK, single=False, main="worker_processes 1; worker_memory 32m;").start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    old = server.workers()
    server.configure(server.text.replace("worker_connections 1024;", "worker_connections 6000;"))
    server.kill(1)
    wait_for("the new worker alone", lambda: old[0] not in server.workers() and len(server.workers()) == 1)
    worker = server.workers()[0]
    held = []
    for _ in range(3000):
        try:
            held += open_many(server.port, 1, b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"y" * 7000 + b"\r\n") * 3)
        except OSError:
            break
    if not SANITIZED:
        assert status_kb(worker, "RssAnon") < 64 * 1024
    for sock in held:
        sock.close()
    wait_for("it serves again", lambda: fetch_or_none(server.port))
    assert server.workers() == [worker]


def test_slow_readers_do_not_hold_up_others(make_server):
    server = make_server("location / { } " + OK.replace("/ ", "/ok "), files={"big": b"x" * 20_000_000}).start()
    held = open_many(server.port, 50, b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    with Load(server.port, "/ok", keep=False) as load:
        load.wait_more(300)
    load.assert_clean()
    for sock in held:
        sock.close()


def test_limit_rate_limits(make_server):
    server = make_server("location / { limit_rate 100k; } location /after/ { limit_rate 100k; "
                         "limit_rate_after 1m; alias %ROOT%/; }", files={"f": b"x" * 250000, "g": b"x" * 1000000}).start()
    begin = time.monotonic()
    assert len(fetch(server.port, "/f").body) == 250000
    assert time.monotonic() - begin > 0.9
    begin = time.monotonic()
    assert len(fetch(server.port, "/after/g").body) == 1000000
    assert time.monotonic() - begin < 7     # ten seconds, if it were limited


def test_lingering_close_lets_the_refusal_be_read(make_server):
    """A client that is still sending must get its 413, not a reset."""
    server = make_server("client_max_body_size 1k; " + OK).start()
    with Connection(server.port) as conn:
        conn.sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
        for _ in range(40):
            try:
                conn.sock.sendall(b"x" * 25000)
            except OSError:
                break
        assert conn.response("POST").status == 413


def test_no_body_files_are_left(make_server):
    server = make_server("client_body_buffer_size 1k; client_max_body_size 10m; " + OK,
                         single=False, main="worker_processes 1;").start()
    for _ in range(3):
        assert fetch(server.port, method="POST", body=b"x" * 500000).status == 200
    conn = Connection(server.port)
    conn.sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 300000)
    conn.close()
    fetch(server.port)
    body = server.prefix / "body"
    wait_for("no file left", lambda: not [p for p in body.rglob("*") if p.is_file()])


def test_reset_timedout_connection_resets_a_head_that_does_not_come(make_server):
    server = make_server("reset_timedout_connection on; client_header_timeout 1s;")
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHo")
        with pytest.raises(ConnectionResetError):
            while sock.recv(4096):
                pass


@pytest.mark.parametrize("request_line", [b"GET /drop HTTP/1.1", b"POST /body HTTP/1.1\r\nContent-Length: 9"])
def test_reset_timedout_connection_resets_what_444_closes_and_a_body_that_does_not_come(make_server, request_line):
    server = make_server("reset_timedout_connection on; client_body_timeout 1s; location /drop { return 444; } "
                         "location /body { proxy_pass http://127.0.0.1:%PORT%/drop; }").start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as sock:
        sock.sendall(request_line + b"\r\nHost: a\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while sock.recv(4096):
                pass


@pytest.mark.weir_only
def test_who_is_slower_than_the_minimum_rates_is_cut_after_20_seconds(both_cut):
    """A few bytes a second are no upload, and some hundred no download, where more is asked for."""
    assert both_cut.result() >= 20
