"""A fetch lives beside its client: what works on in the background holds nobody's connection, and ends by itself.

Updates of what is stale, the whole that a HEAD fetches, and responses whose clients have left. Each over HTTP/1 and HTTP/2.
"""

import os
import re
import signal
import threading

import pytest

from weir import http2
from weir.cached import FRESH, TAG, Held, all_at_once, front, owner_of  # noqa: F401
from weir.recorder import answer
from weir.server import wait_for
from weir.tls import TlsConnection
from weir.wire import Connection, fetch

pytestmark = pytest.mark.weir_only

WHILE = ("Cache-Control", "max-age=10, stale-while-revalidate=600")
OLD = answer(b"old", fields=[WHILE, ("Age", "20"), TAG])
METRICS = "= /metrics { metrics prometheus; access_log off; } location /"
LOG = """log_format who '$request_method $request_uri $status $remote_addr $http_x_who $request_time $body_bytes_sent '
                        '"$request_completion" $connection_requests';
         access_log logs/who.log who;"""


class Plain:
    """One connection of HTTP/1."""

    def __init__(self, port):
        self.conn = Connection(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.close()

    def ask(self, path="/", method="GET", fields=()):
        self.conn.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n".encode() +
                       "".join(f"{n}: {v}\r\n" for n, v in fields).encode() + b"\r\n")
        return method

    def read(self, asked):
        return self.conn.response(asked)

    def get(self, path="/", method="GET", fields=()):
        return self.read(self.ask(path, method, fields))


class Binary:
    """One of HTTP/2."""

    def __init__(self, port):
        self.conn = http2.Http2(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.sock.close()

    def ask(self, path="/", method="GET", fields=()):
        return self.conn.request(path, method, fields=[(n.lower(), v) for n, v in fields])

    def read(self, asked):
        return self.conn.response(asked)

    def get(self, path="/", method="GET", fields=()):
        return self.read(self.ask(path, method, fields))


both = pytest.mark.parametrize("client", [Plain, Binary], ids=["http1", "http2"])


def slow(*parts):
    """A reply whose parts each wait for an event, and the events."""
    events = [threading.Event() for _ in parts]

    def script(request):
        for event, part in zip(events, parts):
            yield event
            yield part
    return script, events


def metric(one, name):
    text = fetch(one.server.port, "/metrics").body.decode()
    return int(re.search(rf"^weir_{name} (\d+)$", text, re.M)[1])


def lines(one):
    path = one.server.prefix / "logs/who.log"
    return path.read_text().splitlines() if path.exists() else []


def begun(one, n=1):
    wait_for("the background", lambda: metric(one, "background_requests") == n)


def make(front, *replies, http="", **parts):
    return front(*replies, http=http + LOG + "http2 on;", location=METRICS, **parts)


# ---- Updates. ----

@both
def test_the_next_request_does_not_wait_for_an_update(front, client):
    script, (go,) = slow(answer(b"new", fields=[FRESH]))
    one = make(front, OLD, script)
    one.get()
    with client(one.server.port) as c:
        for _ in range(3):
            got = c.get()
            assert got.body == b"old" and got.get("X-Cache") in ("STALE", "UPDATING")
        wait_for("one update", lambda: one.asked == 2)
        begun(one)
        go.set()
        wait_for("the new one", lambda: c.get().body == b"new")
    begun(one, 0)
    assert one.asked == 2


@both
def test_an_update_outlives_its_connection(front, client):
    script, (go,) = slow(answer(b"new", fields=[FRESH]))
    one = make(front, OLD, script)
    one.get()
    with client(one.server.port) as c:
        assert c.get().body == b"old"
    wait_for("the update", lambda: one.asked == 2)
    wait_for("the connection's end", lambda: metric(one, 'connections{state="active"}') == 1)      # that of the question
    go.set()
    wait_for("the new one", lambda: one.get().body == b"new")


def test_pipelined_requests_do_not_wait_for_an_update(front):
    script, (go,) = slow(answer(b"new", fields=[FRESH]))
    one = make(front, OLD, script)
    one.get()
    with Connection(one.server.port) as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
        assert [c.response(b"GET").body for _ in range(5)] == [b"old"] * 5
    go.set()
    wait_for("the new one", lambda: one.get().body == b"new")


@both
def test_the_update_says_of_the_client_what_is_true(front, client):
    """Its fields and address are the update's, though the client has gone by then.  [nginx proxy_cache_background_update]"""
    script, (go,) = slow(answer(b"", status="500 Internal Server Error"))
    last, (gone,) = slow(answer(b"new", fields=[FRESH]))
    more = """proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Server $server_addr:$server_port;
              proxy_set_header X-Asked $http_x_who; proxy_set_header X-Nth $connection_requests;
              proxy_next_upstream error; log_subrequest on; proxy_http_version 1.1;"""
    one = make(front, OLD, last, more=more)
    one.get()
    with client(one.server.port) as c:
        assert c.get("/metrics").status == 200
        assert c.get(fields=[("X-Who", "me")]).body == b"old"
    wait_for("the update", lambda: one.asked == 2)
    asked = one.origin.requests[1]
    assert asked.get("X-Real-IP") == "127.0.0.1" and asked.get("X-Asked") == "me" and asked.get("X-Nth") == "2"
    assert asked.get("X-Server") == f"127.0.0.1:{one.server.port}" and asked.get("If-None-Match") == '"a"'
    wait_for("the client's line", lambda: [x for x in lines(one) if " me " in x])
    wait_for("the connection's end", lambda: metric(one, 'connections{state="active"}') == 1)
    gone.set()
    begun(one, 0)
    wait_for("the client's line, and that of log_subrequest", lambda: len([x for x in lines(one) if " me " in x]) == 2)
    mine = [x for x in lines(one) if " me " in x]
    assert re.match(r'GET / 200 127\.0\.0\.1 me 0\.\d+ 3 "OK" 2$', mine[0]), mine
    assert re.match(r"GET / \d+ 127\.0\.0\.1 me ", mine[1]) and mine[1].endswith(" 2"), mine


def test_tls_is_known_of_a_client_that_has_gone(front):
    script, (go,) = slow(answer(b"new", fields=[FRESH]))
    one = make(front, OLD, script, listen="listen 127.0.0.1:%PORT% ssl; listen 127.0.0.1:%PORT2%;",
               more="proxy_cache_key $request_uri; proxy_set_header X-TLS \"$ssl_protocol $ssl_server_name\"; log_subrequest on;",
               http="""ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;
                       log_format tls '$ssl_protocol $ssl_server_name $request_uri'; access_log logs/tls.log tls;""")
    plain = one.server.extra_ports["PORT2"]
    fetch(plain)
    with TlsConnection(one.server.port) as c:
        assert c.get("/").body == b"old"
    wait_for("the update", lambda: one.asked == 2)
    assert one.origin.requests[1].get("X-TLS") == "TLSv1.3 a.example"
    go.set()
    wait_for("the new one", lambda: fetch(plain).body == b"new")
    log = one.server.prefix / "logs/tls.log"
    wait_for("the client's line, and the update's", lambda: log.read_text().splitlines().count("TLSv1.3 a.example /") == 2)


# ---- The whole for a HEAD. ----

@both
def test_the_next_request_does_not_wait_for_the_whole_of_a_head(front, client):
    head = answer(b"", fields=[FRESH, ("Content-Length", "8")], length=None)
    script, (go, rest) = slow(head + b"half", b"rest")
    go.set()
    one = make(front, script)
    with client(one.server.port) as c:
        assert c.get(method="HEAD").status == 200
        assert c.get("/metrics").status == 200
        begun(one)
        late = c.ask()
        rest.set()
        assert c.read(late).body == b"halfrest"
    assert one.asked == 1
    begun(one, 0)


# ---- Clients that leave. ----

@both
def test_what_a_client_left_is_fetched_to_the_end_and_holds_no_connection(front, client):
    held = Held()
    held.start.set()
    one = make(front, held)
    with client(one.server.port) as c:
        c.ask()
        assert held.came.wait(10)
    wait_for("the connection's end", lambda: metric(one, 'connections{state="active"}') == 1)
    begun(one)
    held.go_on.set()
    begun(one, 0)
    assert one.get().get("X-Cache") == "HIT" and one.asked == 1
    wait_for("both lines", lambda: len([x for x in lines(one) if x.startswith("GET / ")]) == 2)


def test_a_stream_that_is_reset_leaves_its_fetch(front):
    held = Held()
    one = make(front, held)
    with Binary(one.server.port) as c:
        stream = c.ask()
        assert held.came.wait(10)
        c.conn.reset(stream)
        assert c.get("/metrics").status == 200
        begun(one)
        held.start.set()
        held.go_on.set()
        begun(one, 0)
        assert c.get().get("X-Cache") == "HIT" and one.asked == 1


@both
def test_a_client_that_left_is_logged_once_with_what_it_got(front, client):
    held = Held()
    held.start.set()
    one = make(front, held)
    with client(one.server.port) as c:
        asked = c.ask(fields=[("X-Who", "left")])
        c.conn.until(b"first") if client is Plain else held.came.wait(10)
    begun(one)
    held.go_on.set()
    begun(one, 0)
    mine = wait_for("its line", lambda: [x for x in lines(one) if " left " in x])
    assert len(mine) == 1 and '""' in mine[0] and int(mine[0].split()[6]) <= 21, (asked, mine)


# ---- Parts of what is not there yet. ----

BODY = bytes(i * 7 % 251 for i in range(400000))


def pieces(*cuts, fields=(FRESH, TAG), length=True):
    """BODY as a reply in parts that end at these bytes, each but the head let go by an event; and the events."""
    events = [threading.Event() for _ in cuts]
    more = [("Content-Length", str(len(BODY)))] if length else [("Connection", "close")]

    def script(request):
        request.last = not length
        yield answer(b"", fields=[*fields, *more], length=None)
        at = 0
        for cut, event in zip(cuts, events):
            yield event
            yield BODY[at:cut]
            at = cut
    return script, events


def is_part(got, first, last):
    assert got.status == 206 and got.get("Content-Range") == f"bytes {first}-{last}/{len(BODY)}"
    assert got.get("Content-Length") == str(last + 1 - first) and got.body == BODY[first:last + 1]


@both
def test_a_range_is_answered_when_its_bytes_are_there(front, client):
    script, (some, more, rest) = pieces(1000, 200000, len(BODY))
    one = make(front, script)
    with client(one.server.port) as c:
        some.set()
        is_part(c.get(fields=[("Range", "bytes=0-99")]), 0, 99)
        is_part(c.get(fields=[("Range", "bytes=900-999")]), 900, 999)           # a reader of the same fetch
        far = c.ask(fields=[("Range", "bytes=150000-199999")])
        more.set()
        is_part(c.read(far), 150000, 199999)
        assert metric(one, "background_requests") == 1
        end = c.ask(fields=[("Range", "bytes=-10")])
        rest.set()
        is_part(c.read(end), len(BODY) - 10, len(BODY) - 1)
        begun(one, 0)
        assert c.get().body == BODY
        is_part(c.get(fields=[("Range", "bytes=7-")]), 7, len(BODY) - 1)
    assert one.asked == 1


@both
def test_a_range_of_unknown_length_is_the_whole(front, client):
    """Where it ends is not known when the head has to be sent.  [RFC 9110 14.2]"""
    script, (rest,) = pieces(len(BODY), length=False)
    rest.set()
    one = make(front, script)
    with client(one.server.port) as c:
        got = c.get(fields=[("Range", "bytes=0-99")])
        assert got.status == 200 and got.body == BODY


def test_a_range_that_cannot_be_is_said_at_once(front):
    script, (rest,) = pieces(len(BODY))
    one = make(front, script)
    with Plain(one.server.port) as c:
        got = c.get(fields=[("Range", f"bytes={len(BODY)}-")])
        assert got.status == 416 and got.get("Content-Range") == f"bytes */{len(BODY)}"
        rest.set()
        assert c.get().body == BODY
    assert one.asked == 1


def test_a_range_of_a_body_that_breaks_off_is_cut(front):
    script, (some, rest) = pieces(1000, 2000)
    one = make(front, script, answer(BODY, fields=[FRESH, TAG]))
    with Plain(one.server.port) as c:
        some.set()
        asked = c.ask(fields=[("Range", "bytes=500-2999")])
        c.conn.until(BODY[990:1000])
        one.origin.open[-1].shutdown(2)
        with pytest.raises(AssertionError):
            c.read(asked)
    rest.set()
    is_part(one.get(fields=[("Range", "bytes=500-2999")]), 500, 2999)


@pytest.mark.parametrize("text", ["bytes=0-0", "bytes=399999-", "bytes=0-399999", "bytes=65535-65536", "bytes=-1"])
def test_ranges_of_what_lies_on_the_disk(front, text):
    one = make(front, answer(BODY, fields=[FRESH, TAG]), http="""
        proxy_cache_path %PREFIX%/disk keys_zone=d:4m memory=0; """, zone="d")
    assert one.get().body == BODY
    first, last = text[6:].split("-")
    first, last = (int(first), int(last or len(BODY) - 1)) if first else (len(BODY) - int(last), len(BODY) - 1)
    is_part(one.get(fields=[("Range", text)]), first, last)
    assert one.asked == 1


def test_filters_that_look_at_the_body_see_all_of_it(front):
    text = b"abc" * 1000
    one = make(front, answer(text, fields=[FRESH, TAG, ("Content-Type", "text/plain")]),
               more="sub_filter_types *; sub_filter b x; sub_filter_once on; sub_filter_last_modified on;")
    one.get()
    got = one.get(fields=[("Range", "bytes=0-5")])
    assert got.status == 200 and got.body == b"axc" + text[3:]


# ---- A crowd. ----

def crowd(one, connections=10, streams=100):
    """So many requests for one response over HTTP/2: pairs of a connection and a stream."""
    made = [http2.Http2(one.server.port) for _ in range(connections)]
    return [(c, c.request("/")) for c in made for _ in range(streams)]


def test_one_fetch_for_a_thousand_streams_whose_first_is_reset(front):
    held = Held()
    one = make(front, held, main="worker_processes 2;", single=False)
    with Binary(one.server.port) as first:
        stream = first.ask()
        assert held.came.wait(10)
        waiting = crowd(one)
        first.conn.reset(stream)
        assert first.get("/metrics").status == 200
        held.start.set()
        held.go_on.set()
        assert {c.response(s).body for c, s in waiting} == {b"first and the rest"}
    assert one.asked == 1
    for c, _ in waiting:
        c.sock.close()


def test_a_reload_amid_a_thousand_streams(front):
    held = Held()
    one = make(front, held, main="worker_processes 2;", single=False)
    wait_for("workers", lambda: len(one.server.workers()) == 2)
    old = one.server.workers()
    waiting = crowd(one)
    assert held.came.wait(10)
    one.server.kill(signal.SIGHUP)
    wait_for("new workers", lambda: len(set(one.server.workers()) - set(old)) == 2)
    late = crowd(one, 1, 50)
    held.start.set()
    held.go_on.set()
    assert {c.response(s).body for c, s in waiting + late} == {b"first and the rest"} and one.asked == 1
    for c, _ in waiting + late:
        c.sock.close()
    wait_for("the old workers' end", lambda: not set(old) & set(one.server.workers()))


@both
def test_the_worker_that_fills_is_killed(front, client):
    held = Held()
    one = make(front, held, answer(b"second", fields=[FRESH]), main="worker_processes 2;", single=False,
               http="proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s; ",     # on a slow machine nobody fetches for himself
               listen="listen 127.0.0.1:%PORT% reuseport;")        # so that each worker has some of the clients
    one.server.allowed = "exited on signal 9|killed|died"
    wait_for("workers", lambda: len(one.server.workers()) == 2)
    with client(one.server.port) as first:
        first.ask()
        assert held.came.wait(10)
        filler = owner_of(one, first.conn)
        waiting = [client(one.server.port) for _ in range(30)]
        waiting = [c for c in waiting if owner_of(one, c.conn) != filler]
        assert waiting
        asked = [(c, c.ask()) for c in waiting]
        wait_for("those who wait", lambda: metric_of_zone(one, "collapsed_total") >= len(waiting))
        os.kill(filler, signal.SIGKILL)
        assert {c.read(a).body for c, a in asked} == {b"second"}
    assert one.get().body == b"second" and one.asked == 2
    held.start.set()
    held.go_on.set()
    for c in waiting:
        c.__exit__()


def metric_of_zone(one, name):
    text = fetch(one.server.port, "/metrics").body.decode()
    found = re.search(rf'^weir_cache_zone_{name}{{[^}}]*}} (\d+)$', text, re.M)
    return int(found[1]) if found else 0


# ---- Limits. ----

def test_where_the_background_is_full_the_connection_waits(front):
    script, (go,) = slow(answer(b"new", fields=[FRESH]))
    one = make(front, OLD, script, http="background_requests 0; ")
    one.get()
    with Plain(one.server.port) as c:
        assert c.get().body == b"old"
        asked = c.ask()
        wait_for("the update", lambda: one.asked == 2)
        assert metric(one, "background_refused_total") == 1 and metric(one, "background_requests") == 0
        go.set()
        assert c.read(asked).body == b"new"


def test_where_the_background_is_full_a_client_that_leaves_ends_its_fetch(front):
    held = Held()
    one = make(front, held, answer(b"second", fields=[FRESH]), http="background_requests 0; ")
    with Plain(one.server.port) as c:
        c.ask()
        assert held.came.wait(10)
        others = all_at_once(one, 3)
        held.start.set()
        c.conn.until(b"first")
        for other in others:
            other.until(b"first")
        c.conn.sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")            # SO_LINGER: a reset
    for other in others:
        with pytest.raises(AssertionError):
            other.response(b"GET")
    held.go_on.set()
    assert one.get().body == b"second" and metric(one, "background_refused_total") == 1


def test_a_request_in_the_background_has_its_time(front):
    held = Held()
    held.start.set()
    one = make(front, held, answer(b"second", fields=[FRESH]), http="background_timeout 300ms; ")
    with Plain(one.server.port) as c:
        c.ask()
        assert held.came.wait(10)
        c.conn.until(b"first")
    wait_for("the cut", lambda: metric(one, "background_cut_total") == 1)
    assert metric(one, "background_requests") == 0
    assert "not done within background_timeout" in one.server.error_log.read_text()
    assert one.get().body == b"second"
    held.go_on.set()


# ---- Workers that leave. ----

@both
def test_a_worker_that_leaves_ends_what_it_has_in_the_background(front, client):
    script, (go,) = slow(answer(b"new", fields=[FRESH]))
    one = make(front, OLD, script, single=False)
    one.get()
    old = one.server.workers()
    with client(one.server.port) as c:
        assert c.get(fields=[("X-Who", "me")]).body == b"old"
    wait_for("the update", lambda: one.asked == 2)
    one.server.kill(signal.SIGHUP)
    wait_for("new workers", lambda: set(one.server.workers()) - set(old))
    wait_for("the client's connection", lambda: one.get().get("X-Cache") == "UPDATING")
    assert set(old) & set(one.server.workers())
    go.set()
    wait_for("the old worker's end", lambda: not set(old) & set(one.server.workers()))
    assert one.get().body == b"new"
    assert len([x for x in lines(one) if " me " in x]) == 1


@pytest.mark.parametrize("how", ["shutdown", "term"])
def test_a_worker_whose_time_is_over_cuts_it(front, how):
    script, (go,) = slow(answer(b"new", fields=[FRESH]))
    one = make(front, OLD, script, main="worker_shutdown_timeout 200ms;", single=False)
    one.get()
    old = one.server.workers()
    with Plain(one.server.port) as c:
        assert c.get(fields=[("X-Who", "me")]).body == b"old"
    wait_for("the update", lambda: one.asked == 2)
    wait_for("its line", lambda: [x for x in lines(one) if " me " in x])
    if how == "shutdown":
        one.server.kill(signal.SIGHUP)
        wait_for("the old worker's end", lambda: not set(old) & set(one.server.workers()))
        assert "1 requests in the background not done" in one.server.error_log.read_text()
    else:
        one.server.kill(signal.SIGTERM)
        one.server.process.wait(10)
    assert len([x for x in lines(one) if " me " in x]) == 1
    go.set()


def test_a_worker_that_is_killed_takes_its_update_along_and_another_makes_one(front):
    script, (go,) = slow(answer(b"new", fields=[FRESH]))
    one = make(front, OLD, script, answer(b"newer", fields=[FRESH]), single=False)
    one.server.allowed = "exited on signal 9|killed|died"
    one.get()
    old = one.server.workers()
    with Plain(one.server.port) as c:
        assert c.get().body == b"old"
    wait_for("the update", lambda: one.asked == 2)
    os.kill(old[0], signal.SIGKILL)
    wait_for("another worker", lambda: set(one.server.workers()) - set(old))
    wait_for("another update", lambda: one.get().body == b"newer")
    go.set()


# ---- Room. ----

@pytest.mark.parametrize("disk", ["", "max_size=100k"], ids=["disk", "no disk"])
def test_more_comes_at_once_than_there_is_memory_for(front, disk):
    """Each of them is small enough for memory, all together are not: none may wait for what another will never give up."""
    go = threading.Event()

    def script(request):
        yield answer(b"", fields=[FRESH, ("Content-Length", str(len(BODY)))], length=None)
        yield BODY[:300000]
        yield go
        yield BODY[300000:]
    one = make(front, script, zone="d", http=f"""
        proxy_cache_path %PREFIX%/small keys_zone=d:256k memory=4m {disk}; """)
    clients = [all_at_once(one, 1, f"/{i}")[0] for i in range(100)]
    wait_for("all fetches", lambda: one.asked == 100)
    go.set()
    for c in clients:
        assert c.response("GET").body == BODY
    begun(one, 0)
