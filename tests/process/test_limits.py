"""limit_req and limit_conn over workers, reloads and deaths.  [nginx limit_req, limit_conn; reliability 3]"""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from weir.server import wait_for
from weir.wire import Connection, fetch

SLOW = "limit_rate 1k; limit_rate_after 1;"
BODY = {"slow.bin": b"0123456789" * 20000, "f": b"file"}


def slow(server, query=""):
    """A request that is under way, answered slowly."""
    conn = Connection(server.port)
    conn.send(f"GET /slow.bin{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    conn.fill()
    return conn


def status(server, path):
    return fetch(server.port, path).status


CONN = "limit_conn_zone $arg_k zone=one:128k;"
CONN_CONF = "location / { limit_conn one 2; %s }" % SLOW


def conn_server(make_server, main="worker_processes 1;", **more):
    return make_server(CONN_CONF, http=CONN, main=main, files=BODY, single=False, **more).start()


def test_requests_beyond_the_limit_are_refused_while_others_are_under_way(make_server):
    server = conn_server(make_server)
    held = [slow(server, "?k=a") for _ in range(2)]
    assert status(server, "/f?k=a") == 503
    assert status(server, "/f?k=b") == 200
    assert 'limiting connections by zone "one", client:' in server.error_log.read_text()
    held[0].close()
    wait_for("a place", lambda: status(server, "/f?k=a") == 200)
    held[1].close()


def test_a_dry_run_only_tells_and_the_answer_can_be_chosen(make_server):
    server = make_server("location /dry { limit_conn one 1; limit_conn_dry_run on; alias %%ROOT%%; %s } "
                         "location / { limit_conn one 1; limit_conn_status 429; "
                         "limit_conn_log_level notice; }" % SLOW, http=CONN, files=BODY).start()
    conn = Connection(server.port)
    conn.send(b"GET /dry/slow.bin?k=a HTTP/1.1\r\nHost: a\r\n\r\n")
    conn.fill()
    assert status(server, "/dry/f?k=a") == 200
    assert status(server, "/f?k=a") == 429
    log = server.error_log.read_text()
    assert 'limiting connections, dry run, by zone "one"' in log
    assert "[notice]" in [line for line in log.splitlines() if 'connections by zone "one"' in line][0]
    conn.close()


def test_all_workers_count_together(make_server):
    server = conn_server(make_server, main="worker_processes 2;")
    held = [slow(server, "?k=a") for _ in range(2)]
    assert {status(server, "/f?k=a") for _ in range(20)} == {503}
    for conn in held:
        conn.close()
    wait_for("a place", lambda: status(server, "/f?k=a") == 200)


@pytest.mark.weir_only
def test_what_a_dead_worker_counted_is_forgotten(make_server):
    server = conn_server(make_server)
    server.allowed = "exited on signal 9"
    held = [slow(server, "?k=a") for _ in range(2)]
    assert status(server, "/f?k=a") == 503
    worker, = wait_for("workers", server.workers)
    os.kill(worker, signal.SIGKILL)
    wait_for("another worker", lambda: server.workers() and server.workers() != [worker])
    wait_for("a place", lambda: status(server, "/f?k=a") == 200)
    for conn in held:
        conn.close()


def test_counts_live_through_a_reload(make_server):
    server = conn_server(make_server)
    held = [slow(server, "?k=a") for _ in range(2)]
    before = wait_for("workers", server.workers)
    assert server.run("-s", "reload").returncode == 0
    wait_for("new workers", lambda: set(server.workers()) - set(before))
    assert status(server, "/f?k=a") == 503
    held[0].close()
    wait_for("a place", lambda: status(server, "/f?k=a") == 200)
    held[1].close()


def test_buckets_live_through_a_reload(make_server):
    server = make_server("limit_req zone=one;", http="limit_req_zone $arg_k zone=one:64k rate=1r/m;",
                         files=BODY, single=False, main="worker_processes 1;").start()
    assert status(server, "/f?k=a") == 200
    before = wait_for("workers", server.workers)
    assert server.run("-s", "reload").returncode == 0
    wait_for("new workers", lambda: server.workers() and not set(before) & set(server.workers()))
    assert status(server, "/f?k=a") == 503


def test_requests_that_wait_leave_at_the_rate(make_server):
    server = make_server("limit_req zone=one burst=10;",
                         http="limit_req_zone $arg_k zone=one:64k rate=20r/s;", files=BODY).start()
    begin = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: status(server, "/f?k=a"), range(6)))
    assert answers == [200] * 6
    assert time.monotonic() - begin > 0.2           # five intervals of 50 ms


def test_clients_that_leave_while_they_wait_leave_nothing(make_server):
    server = make_server("location / { limit_req zone=one burst=10; } location /free { return 200 ok; }",
                         http="limit_req_zone $arg_k zone=one:64k rate=1r/m;", files=BODY).start()
    for _ in range(5):
        conn = Connection(server.port)
        conn.send(b"GET /f?k=a HTTP/1.1\r\nHost: a\r\n\r\n")
        conn.close()
    assert status(server, "/free") == 200


@pytest.mark.weir_only
def test_a_full_zone_forgets_the_oldest_and_goes_on(make_server):
    server = make_server("limit_req zone=one;", http="limit_req_zone $arg_k zone=one:32k rate=1r/m;",
                         files=BODY).start()
    with Connection(server.port) as conn:
        for i in range(900):
            conn.send(f"GET /f?k={'x' * 100}{i} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert conn.response().status == 200
    assert status(server, f"/f?k={'x' * 100}899") == 503
