"""auth_basic over time: files that change, slow hashes, passwords that were right.  [nginx auth_basic; docs auth_basic]"""

import base64
import re
import select
import time
import warnings

import pytest

from weir.server import wait_for
from weir.wire import Connection, fetch

CONF = ('auth_basic x; auth_basic_user_file "%ROOT%/$arg_file";'
        "location / { alias %ROOT%/; }"
        "location /free { auth_basic off; alias %ROOT%; }")
METRICS = "location /metrics { auth_basic off; metrics prometheus; }"


def credentials(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def status(server, password, file="users", user="u"):
    return fetch(server.port, f"/f?file={file}", fields=[credentials(user, password)]).status


def counted(server, result):
    text = fetch(server.port, "/metrics").body.decode()
    return int(re.search(rf'^weir_auth_basic_requests_total{{result="{result}"}} (\d+)$', text, re.M)[1])


def slow_hash(password, rounds=5000):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")             # crypt leaves Python one day
        import crypt
        return crypt.crypt(password, f"$6$rounds={rounds}$saltsalt$")


def test_a_changed_file_counts_at_once(make_server):
    server = make_server(CONF, files={"f": b"file", "users": "u:{PLAIN}one\n"}).start()
    assert status(server, "one") == 200
    server.write("users", "u:{PLAIN}two\n")         # of the same length and time of change
    assert (status(server, "one"), status(server, "two")) == (401, 200)
    (server.root / "users").unlink()
    assert status(server, "two") == 403
    server.write("users", "u:{PLAIN}three\nmore:{PLAIN}x\n")
    assert (status(server, "two"), status(server, "three"), status(server, "x", user="more")) == (401, 200, 200)


def test_many_files_take_turns(make_server):
    files = {f"users{i}": f"u:{{PLAIN}}p{i}\n" for i in range(150)}
    server = make_server(CONF, files={"f": b"file", **files}).start()
    for _ in range(2):
        for i in range(150):
            assert status(server, f"p{i}", f"users{i}") == 200
            assert status(server, f"p{i + 1}", f"users{i}") == 401


def test_a_long_file_is_searched(make_server):
    lines = "".join(f"user{i}:{{PLAIN}}p{i}\n" for i in range(20000))
    server = make_server(CONF, files={"f": b"file", "users": lines}).start()
    for i in (0, 1, 9999, 10000, 19998, 19999):
        assert status(server, f"p{i}", user=f"user{i}") == 200
        assert status(server, f"p{i}", user=f"user{i + 1}") == 401


@pytest.mark.weir_only
def test_a_right_password_is_hashed_once(make_server):
    server = make_server(CONF + METRICS, files={"f": b"file", "users": f"u:{slow_hash('right')}\n"}).start()
    for _ in range(5):
        assert status(server, "right") == 200
        assert status(server, "wrong") == 401
    assert (counted(server, "right"), counted(server, "remembered")) == (1, 4)
    assert counted(server, "mismatch") == 5
    server.write("users", f"u:{slow_hash('other')}\n")
    assert status(server, "right") == 401           # what is remembered belongs to the hash


@pytest.mark.weir_only
@pytest.mark.parametrize("main, conf", [("", "auth_basic_cache 0;"), ("compat nginx;", "")])
def test_nothing_is_remembered_when_it_is_not_wanted(make_server, main, conf):
    server = make_server(CONF + METRICS + conf, main=main,
                         files={"f": b"file", "users": f"u:{slow_hash('right')}\n"}).start()
    for _ in range(3):
        assert status(server, "right") == 200
    assert (counted(server, "right"), counted(server, "remembered")) == (3, 0)


@pytest.mark.weir_only
def test_a_slow_hash_keeps_nobody_waiting_but_its_user(make_server):
    server = make_server(CONF, files={"f": b"file", "users": f"u:{slow_hash('right', 1000000)}\n"}).start()
    with Connection(server.port) as conn:
        conn.send(f"GET /f?file=users HTTP/1.1\r\nHost: a\r\n{credentials('u', 'right')}\r\n\r\n".encode())
        for _ in range(3):
            assert fetch(server.port, "/free/f").status == 200
        assert not select.select([conn.sock], [], [], 0)[0]                # it is hashed still
        assert conn.response().status == 200


@pytest.mark.weir_only
def test_a_client_that_leaves_costs_nothing_more(make_server):
    server = make_server(CONF + METRICS, files={"f": b"file", "users": f"u:{slow_hash('right', 100000)}\n"}).start()
    for _ in range(5):
        with Connection(server.port) as conn:
            conn.send(f"GET /f?file=users HTTP/1.1\r\nHost: a\r\n{credentials('u', 'right')}\r\n\r\n".encode())
            assert fetch(server.port, "/free/f").status == 200
    wait_for("the last one", lambda: status(server, "right") == 200)
    assert counted(server, "right") >= 1


@pytest.mark.weir_only
def test_an_unknown_name_costs_as_much_as_a_wrong_password(make_server):
    server = make_server(CONF + METRICS, files={"f": b"file", "users": f"u:{slow_hash('right')}\n"}).start()
    assert status(server, "right", user="nobody") == 401
    assert (counted(server, "unknown_user"), counted(server, "mismatch")) == (1, 0)
    assert status(server, "right", user="nobody") == 401
    assert counted(server, "remembered") == 0


@pytest.mark.weir_only
def test_what_cannot_wait_is_refused(make_server):
    server = make_server(CONF + METRICS, main="thread_pool default threads=1 max_queue=1;",
                         files={"f": b"file", "users": f"u:{slow_hash('right', 600000)}\n"}).start()
    waiting = [Connection(server.port) for _ in range(8)]
    for conn in waiting:
        conn.send(f"GET /f?file=users HTTP/1.1\r\nHost: a\r\n{credentials('u', 'wrong')}\r\n\r\n".encode())
    got = sorted(conn.response().status for conn in waiting)
    assert set(got) == {401, 503}
    assert counted(server, "failed") == got.count(503)
    assert "too many passwords are being checked" in server.error_log.read_text()
    for conn in waiting:
        conn.close()


def test_a_delayed_refusal_keeps_nobody_else_waiting(make_server):
    server = make_server(CONF + "auth_delay 400ms;", files={"f": b"file", "users": "u:{PLAIN}right\n"}).start()
    begun = time.monotonic()
    with Connection(server.port) as conn, Connection(server.port) as gone:
        for c in (conn, gone):
            c.send(f"GET /f?file=users HTTP/1.1\r\nHost: a\r\n{credentials('u', 'wrong')}\r\n\r\n".encode())
        assert status(server, "right") == 200
        gone.close()
        assert conn.response().status == 401
    assert time.monotonic() - begun >= 0.4


@pytest.mark.weir_only
def test_a_server_stops_while_passwords_are_hashed(make_server):
    server = make_server(CONF, files={"f": b"file", "users": f"u:{slow_hash('right', 200000)}\n"}).start()
    conns = [Connection(server.port) for _ in range(4)]
    for conn in conns:
        conn.send(f"GET /f?file=users HTTP/1.1\r\nHost: a\r\n{credentials('u', 'wrong')}\r\n\r\n".encode())
    assert fetch(server.port, "/free/f").status == 200
    for conn in conns:                              # and now the server is stopped
        conn.close()
