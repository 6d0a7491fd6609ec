"""Groups of servers: who is asked, who waits, who is left out, and what workers know of one another.

Requests are passed on by tests/modules/courier.c.
"""

import contextlib
import json
import re
import signal
import threading
import time

import pytest

from weir.origin import Origin, answers
from weir.server import json_of, wait_for
from weir.wire import Connection, fetch

pytestmark = pytest.mark.weir_only


def answer(body, status="200 OK", more=""):
    body = body.encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


class Holding:
    """A script whose answers are held back until release()."""

    def __init__(self, body):
        self.data, self.waiting, self.go = answer(body), 0, threading.Semaphore(0)

    def __call__(self, talk):
        while talk.request() is not None:
            self.waiting += 1
            if not self.go.acquire(timeout=30):
                return
            talk.send(self.data)

    def release(self, n=1):
        for _ in range(n):
            self.go.release()


@pytest.fixture
def group(make_server):
    """Start a server in front of a group of origins with these scripts."""
    made = []

    def make(lines, *scripts, conf="", http="", **rest):
        made.extend(Origin(script) for script in scripts)
        lines = lines.format(*(origin.address for origin in made))
        server = make_server(f"location / {{ courier up; {conf} }} location = /metrics {{ metrics json; }}",
                             http=f"upstream up {{ {lines} }}\n{http}",
                             main="load_module %MODULE:courier%;" + rest.pop("main", ""), **rest).start()
        return (server, *made)

    yield make
    for origin in made:
        origin.close()


def series(server, name, **labels):
    """The value of weir_upstream_NAME of those labels."""
    found = json_of(fetch(server.port, "/metrics"))["metrics"][f"weir_upstream_{name}"]["series"]
    values = [s["value"] for s in found if labels.items() <= s["labels"].items()]
    assert len(values) == 1, found
    return values[0]


def ask(server, **rest):
    return fetch(server.port, "/", **rest).body.decode()


def in_background(server, results, **rest):
    def run():
        results.append(fetch(server.port, "/", **rest))
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


# -- methods

def test_least_conn_asks_the_idle_server(group):
    held = Holding("a")
    server, slow, quick = group("least_conn; zone z 64k; server {0}; server {1};", held, answers(answer("b")))
    results = []
    while not held.waiting:             # whose turn it is at first does not matter
        in_background(server, results).join(timeout=0.2)
    for _ in range(10):
        assert ask(server) == "b"
    assert held.waiting == 1
    held.release(3)
    wait_for("it is answered too", lambda: b"a" in [r.body for r in results])


def test_random_reaches_all(group):
    server, *_ = group("random two; server {0}; server {1}; server {2};", *(answers(answer(c)) for c in "abc"))
    assert {ask(server) for _ in range(100)} == set("abc")


def test_least_time_prefers_who_is_quicker(group):
    def slow(talk):
        while talk.request() is not None:
            threading.Event().wait(0.4)
            talk.send(answer("a"))
    server, *_ = group("least_time header; server {0}; server {1};", slow, answers(answer("b")))
    got = [ask(server) for _ in range(20)]
    assert got.count("a") <= 2


@pytest.mark.parametrize("method", ["least_conn", "ip_hash", "hash $uri", "hash $uri consistent", "random", "random two",
                                    "least_time last_byte", "least_time header inflight"])
def test_every_method_has_backups(group, method):
    server, *_ = group(method + "; server 127.0.0.1:1 down; server {0} backup;", answers(answer("b")))
    assert ask(server) == "b"


def test_a_second_method_is_warned_of(make_server):
    server = make_server(http="upstream up { least_conn; ip_hash; server 127.0.0.1:1; }")
    assert "load balancing method redefined" in server.run("-t").stderr


# -- sticky

def cookie_of(answered):
    return re.fullmatch(r"srv=([0-9a-z]+)(.*)", answered.get("Set-Cookie"))


def test_a_cookie_keeps_a_client_with_its_server(group):
    server, first, second = group("server {0}; server {1}; sticky cookie srv expires=1h domain=.example.com path=/ httponly "
                                  "secure samesite=lax;", answers(answer("a")), answers(answer("b")))
    begun = fetch(server.port, "/")
    match = cookie_of(begun)
    assert re.fullmatch(r"[0-9a-f]{32}", match[1])
    assert re.fullmatch(r"; expires=\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT; max-age=3600; domain=\.example\.com; path=/; "
                        r"httponly; secure; samesite=lax", match[2])
    for _ in range(6):
        again = fetch(server.port, "/", fields=[f"Cookie: x=y; srv={match[1]}"])
        assert again.body == begun.body
        assert again.get("Set-Cookie") is None
    others = {cookie_of(fetch(server.port, "/"))[1] for _ in range(4)}
    assert len(others) == 2


def test_a_cookie_of_nobody_is_answered_with_a_new_one(group):
    server, _ = group("server {0} route=one; sticky cookie srv;", answers(answer("a")))
    answered = fetch(server.port, "/", fields=["Cookie: srv=0123456789abcdef0123456789abcdef"])
    assert answered.get("Set-Cookie") == "srv=one"


def test_a_cookie_means_the_same_after_a_restart(group):
    lines = "server {0}; server {1}; sticky cookie srv secret=s;"
    server, *_ = group(lines, answers(answer("a")), answers(answer("b")))
    begun = fetch(server.port, "/")
    later, *_ = group(lines)
    again = fetch(later.port, "/", fields=[f"Cookie: srv={cookie_of(begun)[1]}"])
    assert (again.body, again.get("Set-Cookie")) == (begun.body, None)


def test_a_client_of_a_dead_server_gets_another(group):
    server, first, second = group("server {0}; server {1}; sticky cookie srv;", answers(answer("a")), answers(answer("b")),
                                  conf="courier_retry on;")
    begun = fetch(server.port, "/")
    dead, live = (first, second) if begun.body == b"a" else (second, first)
    dead.close()
    again = fetch(server.port, "/", fields=[f"Cookie: srv={cookie_of(begun)[1]}"])
    assert again.status == 200 and again.body != begun.body
    assert cookie_of(again)[1] != cookie_of(begun)[1]


def test_a_draining_server_keeps_its_clients_alone(group):
    server, *_ = group("server {0} drain route=a; server {1} route=b; sticky route $cookie_route $arg_route;",
                       answers(answer("a")), answers(answer("b")))
    assert {ask(server) for _ in range(6)} == {"b"}
    assert fetch(server.port, "/?route=a").body == b"a"
    assert ask(server, fields=["Cookie: route=a"]) == "a"
    assert fetch(server.port, "/?route=a", fields=["Cookie: route=b"]).body == b"b"


def test_sessions_are_learned(group):
    def begins(body):
        return answers(answer(body, more=f"Set-Cookie: sid=of-{body}; path=/\r\n"))
    server, *_ = group("server {0}; server {1}; "
                       "sticky learn create=$upstream_cookie_sid lookup=$cookie_sid zone=sessions:64k timeout=1h;",
                       begins("a"), begins("b"))
    assert {ask(server) for _ in range(4)} == {"a", "b"}
    for session in ("a", "b", "a", "a", "b", "b", "b"):
        assert ask(server, fields=[f"Cookie: sid=of-{session}"]) == session
    assert {ask(server, fields=["Cookie: sid=of-nobody"]) for _ in range(4)} == {"a", "b"}


@pytest.mark.parametrize("wrong, says", [
    ("sticky cookie;", "invalid number of arguments"),
    ("sticky cookie a expires=soon;", 'invalid parameter "expires=soon"'),
    ("sticky learn create=$cookie_a lookup=$cookie_b;", "wants create=, lookup= and zone="),
    ("sticky glue x;", 'invalid parameter "glue"'),
    ("least_time soon;", 'invalid parameter "soon"'),
    ("random three;", 'invalid parameter "three"'),
    ("hash $uri steady;", 'invalid parameter "steady"'),
    ("queue 0;", 'invalid value "0" in "queue" directive'),
    ("zone z 8k;", "too small"),
    ("outlier_ejection max=0%;", 'invalid parameter "max=0%"'),
    ("retry_budget 20;", 'invalid parameter "20"'),
    ("health_check match=none;", 'match "none" is not defined'),
    ("health_check; health_check;", "duplicate"),
    *((f"health_check {word};", f'invalid parameter "{word}"') for word in (
        "often", "interval=0", "interval=x", "timeout=0", "jitter=x", "type=tcp", "fails=0", "passes=x", "port=0", "port=x",
        "port=65536", "uri=up", "match=")),
])
def test_wrong_words_are_refused(make_server, wrong, says):
    server = make_server(http=f"upstream up {{ server 127.0.0.1:1; {wrong} }}")
    tested = server.run("-t")
    assert tested.returncode != 0 and says in tested.stderr


# -- waiting

def test_requests_wait_for_a_place(group):
    held = Holding("a")
    server, origin = group("zone z 64k; server {0} max_conns=1; queue 2 timeout=60s;", held)
    results = []
    for n in (1, 2, 3):
        in_background(server, results)
    wait_for("two wait", lambda: series(server, "queued_total") == 2)
    assert fetch(server.port, "/").status == 503
    wait_for("one is held", lambda: held.waiting == 1)
    held.release(3)
    wait_for("all are answered", lambda: len(results) == 3)
    assert [r.status for r in results] == [200] * 3
    assert series(server, "refused_total") == 1


def test_without_a_queue_a_busy_group_is_503(group):
    held = Holding("a")
    server, origin = group("zone z 64k; server {0} max_conns=1;", held)
    results = []
    in_background(server, results)
    wait_for("the server is busy", lambda: held.waiting == 1)
    assert fetch(server.port, "/").status == 503
    held.release()
    wait_for("answered", lambda: results)
    assert results[0].status == 200


# -- workers

def test_workers_share_max_conns_and_a_dead_one_gives_back(group):
    held = Holding("a")
    server, origin = group("zone z 64k; server {0} max_conns=2;", held, main="worker_processes 2;", single=False)
    connections = [Connection(server.port) for _ in range(2)]
    for connection in connections:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_for("both are held", lambda: held.waiting == 2)
    for _ in range(6):                  # whichever worker it gets to
        assert fetch(server.port, "/").status == 503
    assert series(server, "peer_active") == 2
    server.allowed = r"worker process \d+ exited on signal 9"
    for worker in server.workers():
        server.kill(signal.SIGKILL, worker)
    wait_for("the workers that follow have given all back", lambda: series(server, "peer_active") == 0)
    held.release(3)
    assert ask(server) == "a"


def test_a_reload_keeps_what_is_known(group):
    server, *_ = group("zone z 64k; server 127.0.0.1:1 fail_timeout=1h; server {0};", answers(answer("a")),
                       conf="courier_retry on;", main="worker_processes 1;", single=False)
    assert {ask(server) for _ in range(4)} == {"a"}
    assert series(server, "peer_fails_total", peer="127.0.0.1:1") == 1
    old = server.workers()
    server.kill(signal.SIGHUP)
    wait_for("new workers", lambda: server.workers() and not set(server.workers()) & set(old))
    assert {ask(server) for _ in range(4)} == {"a"}
    assert series(server, "peer_fails_total", peer="127.0.0.1:1") == 1
    assert series(server, "peer_state", peer="127.0.0.1:1", state="unavail") == 1
    assert "upstream server temporarily disabled while connecting to upstream" in server.error_log.read_text()


def test_groups_of_one_zone_are_kept_apart(make_server):
    held = Holding("a")
    with contextlib.closing(Origin(held)) as busy, contextlib.closing(Origin(answers(answer("b")))) as other:
        server = make_server("location / { courier one; } location /two { courier two; } location = /metrics { metrics json; }",
                             http=f"upstream one {{ zone z 64k; server {busy.address} max_conns=1; }}"
                                  f"upstream two {{ zone z; server {other.address} max_conns=1; }}",
                             main="load_module %MODULE:courier%; worker_processes 2;", single=False).start()
        with Connection(server.port) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_for("it is held", lambda: held.waiting == 1)
            for _ in range(6):
                assert fetch(server.port, "/").status == 503 and fetch(server.port, "/two").body == b"b"
            assert series(server, "peer_active", upstream="one") == 1 and series(server, "peer_active", upstream="two") == 0
            held.release()
            assert connection.response().body == b"a"
        server.kill(signal.SIGHUP)
        held.release()
        wait_for("nothing is held", lambda: series(server, "peer_active", upstream="one") == 0)
        assert ask(server) == "a" and fetch(server.port, "/two").body == b"b"


def test_a_group_s_own_zone_outlives_another_s(make_server):
    with contextlib.closing(Origin(answers(answer("a")))) as origin:
        server = make_server("location / { courier up; courier_retry on; } location = /metrics { metrics json; }",
                             http="upstream first { zone y 64k; server 127.0.0.1:1; }"
                                  f"upstream up {{ zone z 64k; server 127.0.0.1:1 fail_timeout=1h; server {origin.address}; }}",
                             main="load_module %MODULE:courier%; worker_processes 1;", single=False).start()
        assert {ask(server) for _ in range(4)} == {"a"}
        assert series(server, "peer_fails_total", upstream="up", peer="127.0.0.1:1") == 1
        old = server.workers()
        server.configure(server.text.replace("upstream first { zone y 64k; server 127.0.0.1:1; }", ""))
        server.kill(signal.SIGHUP)
        wait_for("new workers", lambda: server.workers() and not set(server.workers()) & set(old))
        assert series(server, "peer_fails_total", upstream="up", peer="127.0.0.1:1") == 1


# -- outliers and checks

def test_an_outlier_is_left_out(group):
    server, *_ = group("zone z 64k; outlier_ejection errors=3 time=1h; server {0}; server {1};",
                       answers(answer("bad", "500 Internal")), answers(answer("good")))
    assert [ask(server) for _ in range(12)].count("bad") == 3
    assert re.search(r"upstream server left out for 3600000 ms after 3 errors in a row", server.error_log.read_text())


class Moody:
    """A script that answers as `status` and `body` say."""

    def __init__(self):
        self.status, self.body, self.times = "200 OK", "well", []

    def __call__(self, talk):
        while (request := talk.request()) is not None:
            self.last = request
            self.times.append(time.monotonic())
            talk.send(answer(self.body, self.status, more="Content-Type: text/plain\r\n"))


def test_checks_leave_out_who_is_not_well_and_bring_it_back(group):
    moody = Moody()
    server, *_ = group("zone z 64k; server {0}; server {1}; health_check interval=50ms fails=2 passes=2 uri=/health match=ok;",
                       moody, answers(answer("well", more="Content-Type: text/plain\r\n")),
                       http='match ok { status 200-299 !204; header Content-Type = text/plain; header !X-Bad; body ~ "^w"; }')
    first = {"peer": f"127.0.0.1:{group_port(server, 0)}"}
    for change in ({"status": "500 No"}, {"body": "ill"}):
        for name, value in change.items():
            setattr(moody, name, value)
        wait_for("it is unhealthy", lambda: series_has(server, "peer_state", state="unhealthy", **first))
        before = len(server.error_log.read_text())
        moody.status, moody.body = "200 OK", "well"
        wait_for("it is up", lambda: series_has(server, "peer_state", state="up", **first))
        assert "peer is healthy" in server.error_log.read_text()[before - 200:]
    assert b"GET /health HTTP/1.1" in moody.last and b"Host: up" in moody.last


def test_mandatory_checks_come_before_requests(group):
    held = Holding("a")
    server, origin = group("zone z 64k; server {0}; health_check mandatory interval=50ms timeout=60s;", held)
    wait_for("it is checked", lambda: held.waiting == 1)
    assert fetch(server.port, "/").status == 502
    assert series(server, "peer_state", state="checking") == 1
    held.release(1000)
    wait_for("it is up", lambda: series_has(server, "peer_state", state="up"))
    assert ask(server) == "a"


def test_one_worker_checks_for_all(group):
    moody = Moody()
    server, origin = group("zone z 64k; server {0}; health_check interval=100ms;", moody,
                           main="worker_processes 3;", single=False)
    wait_for("some checks", lambda: len(moody.times) > 6)
    assert moody.times[6] - moody.times[0] > 0.45       # six intervals; three workers' would be over in two
    assert series(server, "peer_checks_total") >= 6


def test_a_check_stands_in_the_location_too(group):
    moody = Moody()
    moody.status = "503 Busy"
    server, origin = group("zone z 64k; server {0};", moody, conf="health_check interval=50ms uri=/up;")
    wait_for("it is unhealthy", lambda: series_has(server, "peer_state", state="unhealthy"))
    assert fetch(server.port, "/").status == 502
    assert b"GET /up " in moody.last


def test_a_dead_server_is_said_once_not_at_every_check(group):
    server, *_ = group("zone z 64k; server 127.0.0.1:1; health_check interval=20ms;")
    wait_for("many checks", lambda: series(server, "peer_checks_failed_total") >= 10)
    log = server.error_log.read_text()
    assert log.count("connect() failed") == 1 and log.count("peer is unhealthy: no response") == 1


def test_a_check_beside_nothing_is_refused(make_server):
    tested = make_server("location / { health_check; }").run("-t")
    assert tested.returncode != 0 and "beside no directive that names one" in tested.stderr


def group_port(server, i):
    found = json_of(fetch(server.port, "/metrics"))["metrics"]["weir_upstream_peer_state"]["series"]
    return int(found[i]["labels"]["peer"].rpartition(":")[2])


def series_has(server, name, **labels):
    found = json_of(fetch(server.port, "/metrics"))["metrics"][f"weir_upstream_{name}"]["series"]
    return any(labels.items() <= s["labels"].items() for s in found)


# -- numbers

@pytest.mark.parametrize("zone", ["", "zone z 64k;"])
def test_groups_are_counted_over_all_workers(group, zone):
    server, first, second = group(zone + "server {0}; server {1};", answers(answer("four", more="X: y\r\n")),
                                  answers(answer("no", "404 No")), main="worker_processes 3;", single=False)
    for _ in range(20):
        ask(server)
    assert series(server, "requests_total") == series(server, "tries_total") == series(server, "connected_total") == 20
    assert series(server, "responses_total", code="2xx") + series(server, "responses_total", code="4xx") == 20
    peers = [f"127.0.0.1:{origin.port}" for origin in (first, second)]
    counts = [series(server, "peer_requests_total", peer=peer) for peer in peers]
    assert sum(counts) == 20 and all(counts)
    assert series(server, "peer_responses_total", peer=peers[1], code="4xx") == counts[1] == series(server, "responses_total", code="4xx")
    one, other = (len(a) for a in (answer("four", more="X: y\r\n"), answer("no", "404 No")))
    assert series(server, "received_bytes_total") == counts[0] * one + counts[1] * other
    assert series(server, "sent_bytes_total") > 20 * len("GET / HTTP/1.1\r\n\r\n")


def test_tries_and_ejections_are_counted_by_group(group):
    server, *_ = group("server 127.0.0.1:1 max_fails=0; server {0}; retry_budget off; outlier_ejection errors=2 time=1h;",
                       answers(answer("a")), conf="courier_retry on;")
    for _ in range(8):
        assert ask(server) == "a"
    assert series(server, "requests_total") == 8
    assert series(server, "tries_again_total") == series(server, "peer_fails_total", peer="127.0.0.1:1") == 2
    assert series(server, "tries_total") == 10 and series(server, "connected_total") == 8
    assert series(server, "ejections_total") == 1


# -- weir -M

def test_groups_are_explained(make_server):
    server = make_server(http="upstream up { zone z 64k; least_conn; sticky cookie srv; health_check; "
                              "server 127.0.0.1:81 weight=2 max_conns=7; server 127.0.0.1:82 backup; }")
    said = server.run("-M").stdout
    assert "upstream up - balance_least_conn, balance_sticky, shared by workers, checked\n" in said
    assert re.search(r"^    127\.0\.0\.1:81 +weight 2, max_conns 7: 127\.0\.0\.1:81$", said, re.M)
    assert re.search(r"^    127\.0\.0\.1:82 +weight 1, backup: 127\.0\.0\.1:82$", said, re.M)
    tree = json.loads(server.run("-M", "--json").stdout)
    assert tree["upstreams"][0]["servers"][0] == {"name": "127.0.0.1:81", "weight": 2, "max_conns": 7,
                                                  "peers": ["127.0.0.1:81"]}
