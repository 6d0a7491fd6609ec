"""Origins that lie, stop, and break: each lie is a 502 or a cut, never passed on.

The server under test passes requests on by proxy_pass, and by tests/modules/courier.c, which does it with
as little as an exchange takes: what holds here holds for every user of exchanges.
"""

import random
import re
import socket
import threading

import pytest

from weir.origin import Origin, answers
from weir.server import wait_for
from weir.wire import Closed, Connection, ProtocolError, fetch

pytestmark = pytest.mark.weir_only

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"


# What the two call things, in place of these words.
WORDS = {"courier": {"PASS": "courier", "TIMEOUT": "courier_timeout", "RETRY": "courier_retry on"},
         "proxy": {"PASS": "proxy_pass http://", "TIMEOUT": "proxy_read_timeout",
                   "RETRY": "proxy_next_upstream error timeout http_503"}}


@pytest.fixture(params=WORDS)
def front(request, make_server):
    """Start a server in front of origins with these scripts."""
    made = []

    def make(*scripts, more="", one="PASS up;", http=""):
        made.extend(Origin(script) for script in scripts)
        lines = "".join(f"server {origin.address} max_fails=0;" for origin in made)
        conf = f"location / {{ {one} {more} }}"
        for word, meaning in WORDS[request.param].items():
            conf = conf.replace(word, meaning)
        server = make_server(conf.replace("// ", "//"), http=f"upstream up {{ {lines} }}\n{http}",
                             main="load_module %MODULE:courier%;").start()
        return (server, *made)

    yield make
    for origin in made:
        origin.close()


LIES = {
    "garbage": b"what is this\r\n\r\n",
    "html in place of a head": b"<html>no head</html>\n",
    "HTTP/0.9": b"just the body",
    "a status of 000": b"HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n",
    "a status of 999": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 Odd\r\nContent-Length: 0\r\n\r\n",
    "a bad length": b"HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: cow\r\n\r\nok",
    "chunks twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunks in two fields": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "a coding behind chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunks with a vertical tab": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunks of HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "a length past 64 bits": b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nok",
    "a length past 63 bits": b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nok",
    "an empty length": b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nok",
    "a length in hexadecimal": b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok",
    "another version": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "a field without a name": b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 2\r\n\r\nok",
    "a line without a colon": b"HTTP/1.1 200 OK\r\nabc\r\nContent-Length: 2\r\n\r\nok",
    "an interim response with a body": b"HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\nhello" + OK,
    "too many fields": b"HTTP/1.1 200 OK\r\n" + b"A:\r\n" * 600 + b"Content-Length: 2\r\n\r\nok",
    "an unasked 101": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "a NUL in a field": b"HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 2\r\n\r\nok",
    "a bare CR in a field": b"HTTP/1.1 200 OK\r\nA: b\rX: c\r\nContent-Length: 2\r\n\r\nok",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a folded line": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
    "a blank before a colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "a head without end": b"HTTP/1.1 200 OK\r\nA: " + b"a" * 20000,
    "1xx without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + OK,
}


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("pieces", [0, 7])
def test_a_lie_is_502(front, name, pieces):
    server, origin = front(answers(LIES[name], close=name == "HTTP/0.9", pieces=pieces))
    answer = fetch(server.port, "/")
    assert answer.status == 502
    assert b"ok" not in answer.body.replace(b"token", b"")
    assert re.search(r"\[error\] .*upstream sent .* while reading response header from upstream, client: 127\.0\.0\.1, "
                     rf'server: .*, request: "GET / HTTP/1\.1", upstream: "http://{origin.address}/", host: ".*", '
                     r"took: \d+\.\d{3}s", server.error_log.read_text())


CUTS = {
    "a body shorter than promised": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", True),
    "a chunked body without its end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", True),
    "a bad chunk size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nxyz\r\n", False),
    "a chunk longer than its size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123456\r\n0\r\n\r\n", False),
    "a chunk size of 68 bits": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n10000000000000001\r\n6\r\n0\r\n\r\n", False),
    "a negative chunk size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n-1\r\n6\r\n0\r\n\r\n", False),
    "a chunk size with a prefix": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0x1\r\n6\r\n0\r\n\r\n", False),
    "a chunk ended by a bare line feed": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n1\n6\r\n0\r\n\r\n", False),
    "extensions of a chunk without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n1;" + b"a" * 5000 + b"\r\n6\r\n0\r\n\r\n", False),
    "trailers over the limit": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nA: " + b"a" * 200_000 + b"\r\n\r\n", False),
    "a trailer that is none": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nbad\r\n\r\n", False),
}


@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize("pieces", [0, 3])
def test_a_broken_body_is_cut(front, name, pieces):
    """Whole until the break, and then no clean end: neither all of the length, nor the last chunk."""
    data, close = CUTS[name]
    server, origin = front(answers(data, close=close, pieces=pieces))
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        got = b""
        while (more := sock.recv(65536)):
            got += more
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    if b"content-length" in head.lower():
        assert body in (b"12345", b"")
    else:
        assert not body.endswith(b"0\r\n\r\n") and b"6" not in body


SURPLUS = {
    "behind a length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "behind the last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nevil",
}


@pytest.mark.parametrize("name", SURPLUS)
def test_surplus_bytes_reach_nobody(front, name):
    server, origin = front(answers(SURPLUS[name]))
    with Connection(server.port) as connection:
        for _ in range(3):
            connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.response().body == b"ok"
    assert origin.connections == 3      # none was used twice


@pytest.mark.parametrize("method, status, fields", [
    ("GET", 204, b""), ("GET", 304, b""), ("GET", 304, b"Content-Length: 4\r\n"), ("HEAD", 200, b"Content-Length: 4\r\n"),
    ("HEAD", 200, b"Transfer-Encoding: chunked\r\n"), ("GET", 200, b"Content-Length: 0\r\n")])
def test_a_body_where_none_may_be_reaches_nobody(front, method, status, fields):
    server, origin = front(answers(b"HTTP/1.1 %d Odd\r\n%s\r\nevil" % (status, fields)))
    with Connection(server.port) as connection:
        for _ in range(2):
            answer = connection.get("/", method)
            assert (answer.status, answer.body) == (status, b"")
    assert origin.connections == 2


def test_a_204_with_a_length_is_not_passed_on_as_it_is(front):
    """[RFC 9110 8.6]"""
    server, origin = front(answers(b"HTTP/1.1 204 None\r\nContent-Length: 4\r\n\r\nevil"))
    with Connection(server.port) as connection:
        for _ in range(2):
            answer = connection.get("/")
            assert answer.status in (204, 502) and b"evil" not in answer.body
            assert answer.status == 502 or answer.get("Content-Length") is None
    assert origin.connections == 2


def test_bytes_that_come_over_an_idle_connection_answer_nobody(front):
    def script(talk):
        talk.request()
        talk.send(OK)
        asked.wait(30)
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        ended.append(talk.wait_for_end())
        said.set()
    asked, said, ended = threading.Event(), threading.Event(), []
    server, origin = front(script)
    assert fetch(server.port, "/").body == b"ok"
    asked.set()
    assert said.wait(30) and ended == [True]
    assert fetch(server.port, "/").body == b"ok"
    assert origin.connections == 2


def test_an_answer_before_the_request_answers_nobody_else(front):
    """It is said when the connection is made. Who asks first may have it; the connection is not used again."""
    def script(talk):
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * 3)
        talk.wait_for_end()
    server, origin = front(script)
    for _ in range(3):
        answer = fetch(server.port, "/")
        assert (answer.status, answer.body) in ((200, b"ok"), (502, answer.body))
    assert origin.connections == 3


def test_an_early_answer_to_an_upload_ends_the_connection(front):
    """What was not sent of the body must not be taken for the next request. The origin takes no more of it
    before the client is answered: of one that has gone whole, the connection may well be used again."""
    def script(talk):
        while b"\r\n\r\n" not in talk.buffer and talk.more():
            pass
        first.append(talk.buffer[:5])
        talk.send(b"HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno")
        answered.acquire(timeout=30)
        while talk.more():
            pass
    first, answered = [], threading.Semaphore(0)
    server, origin = front(script, more="client_max_body_size 0;")
    for _ in range(3):
        answer = fetch(server.port, "/", "POST", body=b"GET / HTTP/1.1\r\n\r\n" * 400_000)
        answered.release()
        assert answer.status == 413
    assert origin.connections == 3 and first == [b"POST "] * 3


def test_a_reset_in_the_head_and_in_the_body(front):
    def script(talk):
        request = talk.request()
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Le" if b"/head" in request else
                  b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        if b"/body" in request:
            go.wait(30)
        talk.reset()
    go = threading.Event()
    server, origin = front(script)
    assert fetch(server.port, "/head").status == 502
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as sock:
        sock.sendall(b"GET /body HTTP/1.1\r\nHost: a\r\n\r\n")
        got = sock.recv(65536)
        go.set()
        while (more := sock.recv(65536)):
            got += more
    assert got.startswith(b"HTTP/1.1 200 ") and got.endswith((b"\r\n\r\n", b"12345"))


def test_silence_is_504(front):
    server, origin = front(lambda talk: talk.request() and talk.wait_for_end(), more="TIMEOUT 200ms;")
    assert fetch(server.port, "/x").status == 504
    assert "upstream timed out (110: Connection timed out) while reading response header from upstream" \
        in server.error_log.read_text()


def test_silence_in_the_body_is_a_cut(front):
    def script(talk):
        talk.request()
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        talk.wait_for_end()
    server, origin = front(script, more="TIMEOUT 1s;")
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        got = b""
        while (more := sock.recv(65536)):
            got += more
    assert got.endswith(b"12345")
    assert "upstream timed out (110: Connection timed out) while reading upstream" in server.error_log.read_text()


def test_an_origin_that_is_not_there_is_502(front):
    server, origin = front(answers(OK))
    origin.close()
    assert fetch(server.port, "/x").status == 502
    assert re.search(r"connect\(\) failed \(111: Connection refused\) while connecting to upstream, client: .*"
                     rf'upstream: "http://{origin.address}/x", host: ', server.error_log.read_text())


# -- Anything at all.

SEEDS = [OK, BUSY, b"HTTP/1.1 204 None\r\n\r\n", b"HTTP/1.1 304 Same\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n",
         b"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end",
         b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: x-a, keep-alive\r\nX-A: 1\r\n\r\n"
         b"5;x=y\r\n01234\r\n00000a\r\n0123456789\r\n1\r\n!\r\n0\r\nA: b\r\nC: d\r\n\r\n"]


def spoil(chance, data):
    """data with a few bytes taken out, put in, changed or doubled."""
    data = bytearray(data)
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        at = chance.randrange(len(data) + 1)
        what = chance.randrange(5)
        if what == 0:
            del data[at:at + chance.randrange(1, 8)]
        elif what == 1:
            data[at:at] = bytes(chance.choice(b"\r\n :;0123456789abcXYZ\x00\xff\t-") for _ in range(chance.randrange(1, 5)))
        elif what == 2 and at < len(data):
            data[at] = chance.randrange(256)
        elif what == 3:
            data[at:at] = chance.choice(SEEDS)
        else:
            data[at:at] = b"x" * chance.choice([100, 5000, 70000])
    return bytes(data)


def test_whatever_an_origin_says_answers_are_right_or_cut(front):
    """And what follows on the client's connection is the answer to what follows."""
    chance = random.Random(1)

    def script(talk):
        while talk.request() is not None:
            data = spoil(chance, chance.choice(SEEDS))
            talk.send(data, 0 if len(data) > 500 else chance.choice([0, 0, 1, 3, 17]))
            if chance.randrange(2):
                return
    server, *_ = front(script, script, more="TIMEOUT 50ms; RETRY; } location = /mark { return 200 mark;")
    connection, cuts = None, 0
    for _ in range(400):
        connection = connection or Connection(server.port)
        try:
            connection.get("/", chance.choice(["GET", "HEAD"]))
        except (Closed, ProtocolError) as error:
            if not re.match(r"(ETag|Last-Modified|Location|Content-(Type|Range)|Date|Server) (twice in|is no)", str(error)):   # as the origin says
                assert str(error).startswith("closed"), error
                connection, cuts = None, cuts + 1
                continue
        try:
            assert connection.get("/mark").body == b"mark"
        except Closed:
            connection = None           # it was said to be, or could not be kept
    assert cuts < 300


# -- Keeping connections.

def test_connections_are_kept(front):
    server, origin = front(answers(OK))
    for _ in range(5):
        assert fetch(server.port, "/").body == b"ok"
    assert origin.connections == 1


def test_a_get_survives_a_kept_connection_that_closes(front):
    """The origin closes a moment after each answer: no request may see it."""
    def script(talk):
        talk.request()
        talk.send(OK)
        talk.sock.shutdown(socket.SHUT_RDWR)
    server, origin = front(script)
    with Connection(server.port) as connection:
        for _ in range(300):
            connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.response().status == 200


def test_a_post_over_a_kept_connection_is_sent_once(front):
    """The second request of a connection is read, and the connection closed: it may have been acted on."""
    seen = []

    def script(talk):
        seen.append(talk.request())
        talk.send(OK)
        if (second := talk.request()):
            seen.append(second)
    server, origin = front(script)
    assert fetch(server.port, "/", "POST", body=b"one").status == 200
    assert fetch(server.port, "/", "POST", body=b"two").status == 502
    assert [s.rpartition(b"\r\n\r\n")[2] for s in seen] == [b"one", b"two"]


# -- Retries, variables, log.

def test_the_next_peer_is_tried_and_the_tries_are_logged(front):
    server, first, second = front(
        answers(BUSY), answers(OK), more="RETRY;",
        http='log_format up "$upstream_addr|$upstream_status|$upstream_response_length|$upstream_bytes_received'
             '|$upstream_bytes_sent|$upstream_response_time|$upstream_connect_time|$upstream_header_time'
             '|$upstream_http_content_length|$upstream_cookie_a"; access_log logs/up.log up;')
    assert fetch(server.port, "/").body == b"ok"
    log = server.prefix / "logs/up.log"
    wait_for("the line", lambda: log.exists() and log.read_text())
    part = log.read_text().strip().split("|")
    assert part[0] == f"{first.address}, {second.address}"
    assert part[1] == "503, 200"
    assert part[2] == "0, 2"
    assert part[3] == f"{len(BUSY)}, {len(OK)}"
    for sent in part[4].split(", "):
        assert int(sent) > 30
    for times in part[5:8]:
        assert re.fullmatch(r"\d\.\d{3}, \d\.\d{3}", times)
    assert part[8] == "2" and part[9] == "-"


def test_a_failed_try_shows_what_stands_for_it(front):
    server, origin = front(answers(b"nonsense\r\n\r\n"),
                           http='log_format up "$upstream_addr|$upstream_status|$upstream_header_time|$upstream_http_a"; '
                                'access_log logs/up.log up;')
    assert fetch(server.port, "/").status == 502
    log = server.prefix / "logs/up.log"
    wait_for("the line", lambda: log.exists() and log.read_text())
    assert log.read_text().strip() == f"{origin.address}|502|-|-"


def test_variables_are_absent_where_nobody_was_asked(make_server):
    server = make_server('location / { return 200 "[$upstream_addr$upstream_status$upstream_http_a$upstream_trailer_a]"; }').start()
    assert fetch(server.port, "/").body == b"[]"


def test_exchanges_behind_a_redirect_are_told_apart(front):
    gone = Origin(answers(OK))
    gone.close()
    server, origin = front(
        answers(OK), one=f"error_page 502 = @other; PASS {gone.address}; }} location @other {{ PASS up;",
        http='log_format up "$upstream_addr|$upstream_status"; access_log logs/up.log up;')
    assert fetch(server.port, "/").body == b"ok"
    log = server.prefix / "logs/up.log"
    wait_for("the line", lambda: log.exists() and log.read_text())
    assert log.read_text().strip() == f"{gone.address} : {origin.address}|502 : 200"


def test_exchanges_and_connections_are_counted(front):
    server, first, second = front(answers(BUSY), answers(OK), more="RETRY; } location = /m { metrics prometheus;")
    for _ in range(2):
        assert fetch(server.port, "/").body == b"ok"
    page = fetch(server.port, "/m").body.decode()
    counts = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("weir_upstream_"))
    assert counts['weir_upstream_exchanges_total{result="answered"}'] == "2"
    assert int(counts["weir_upstream_retries_total"]) >= 1
    assert int(counts['weir_upstream_connections_total{origin="made"}']) >= 2


# -- Fetches.

def test_a_fetch_answers_with_all_of_it(front):
    server, origin = front(answers(b"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone"), one="courier_fetch up;")
    assert fetch(server.port, "/x?y").body == b"404:none"
    assert origin.talks[0].last.startswith(b"GET /x?y HTTP/1.1\r\nHost: up\r\n")


def test_a_fetch_of_a_lie_fails(front):
    server, origin = front(answers(LIES["two lengths"]), one="courier_fetch up;")
    assert fetch(server.port, "/").body == b"failed -8"


# -- Memory.

def test_a_slow_client_does_not_make_the_server_hold_the_body(front):
    """64 MiB for a client that reads nothing: what waits is bounded, and the origin is stopped."""
    from weir.server import status_kb
    total = 64 << 20
    sent = [0]

    def script(talk):
        talk.request()
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        block = b"x" * 65536
        while sent[0] < total:
            talk.send(block)
            sent[0] += len(block)
    server, origin = front(script)
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as sock:
        before = status_kb(server.process.pid, "VmRSS")
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        last = -1

        def stands_still():
            nonlocal last
            now, last = sent[0] == last and last > 0, sent[0]
            return now
        wait_for("the origin to be stopped", stands_still)
        assert sent[0] < total
        assert status_kb(server.process.pid, "VmRSS") - before < 8 * 1024
        got = 0
        while got < total:
            data = sock.recv(1 << 20)
            assert data
            got += len(data)
