"""Clients, modules and files that do their worst: the server answers or closes, and forgets.

WEIR_TORTURE is the seconds that the random parts may take (default 6), WEIR_TORTURE_SEED where they
begin: a failure prints its own.
"""

import os
import random
import re
import select
import signal
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from weir import case as cases
from weir.load import Load
from weir.server import BINARY, TOP, alive, cpu_seconds, status_kb, wait_for
from weir.wire import TIMEOUT, Connection, ProtocolError, fetch

SANITIZED = "san" in BINARY
SECONDS = float(os.environ.get("WEIR_TORTURE", 6))
SEED = int(os.environ.get("WEIR_TORTURE_SEED", 0)) or random.SystemRandom().randrange(1 << 32)
LAST = b"GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SHORT = ("client_header_timeout 2s; client_body_timeout 2s; send_timeout 2s; keepalive_timeout 2s; "
         "lingering_timeout 1s; lingering_time 2s;")
pytestmark = pytest.mark.weir_only


def descriptors_at_rest(server):
    """How many a server has open once it serves: the port answers before a worker has opened all that it needs."""
    assert fetch(server.port, "/ok").body == b"ok"
    return descriptors(server.process.pid)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def connect(server, receive=0):
    sock = socket.socket()
    if receive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    sock.settimeout(TIMEOUT)
    sock.connect(("127.0.0.1", server.port))
    return sock


def rest(sock):
    """All that still comes; what came before a reset counts."""
    data = bytearray()
    try:
        while piece := sock.recv(1 << 18):
            data += piece
    except ConnectionResetError:
        pass
    return bytes(data)


# ---- Random requests. ----

ZOO = """
location / { }
location = /ok { return 200 "ok"; }
location /list/ { autoindex on; alias %ROOT%/; }
location /gzip/ { gzip on; gzip_types *; gzip_min_length 1; alias %ROOT%/; }
location /read/ { sendfile off; alias %ROOT%/; }
location /slow/ { limit_rate 300k; limit_rate_after 1k; alias %ROOT%/; }
location /echo { echo on; client_max_body_size 300k; client_body_buffer_size 1k; }
location /misuse/ { misuse_content on; misuse_filters on; gzip on; gzip_types *; gzip_min_length 1; }
location /pages/ { error_page 404 = /pages/again; error_page 403 405 /ok; }
location /named/ { error_page 404 = @named; }
location @named { return 404 "$uri $args"; }
location /loop { try_files /no /loop2; }
location /loop2 { try_files /no /loop; }
location /heads/ { add_header X-A $http_x_a always; add_header X-T $request_uri always; return 200 "$args"; }
location /small { client_max_body_size 10; return 200 "small"; }
"""
PATHS = ("/ok", "/f.txt", "/big.bin", "/none", "/list/", "/gzip/big.bin", "/read/big.bin", "/slow/f.txt",
         "/echo", "/pages/x", "/named/x", "/loop", "/heads/x", "/small", "/dir", "/%2e%2e/x",
         "/misuse/filter-waits", "/misuse/source-waits", "/misuse/filter-sub", "/misuse/threads", "/misuse/again")


def seeds():
    """The requests of every scenario, and some that are right."""
    found = []
    for path in sorted((TOP / "tests/cases").rglob("*.case")):
        for key, lines, _ in cases.entries(path):
            if key == "send":
                data = cases.unescape(cases.text_of(key, lines)).encode("latin-1", "replace")
                if len(data) < 20000:
                    found.append(data)
    assert len(found) > 200
    return found


def good_request(rng):
    method = rng.choice(("GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"))
    lines = [f"{method} {rng.choice(PATHS)} HTTP/1.{rng.choice('1111110')}", "Host: a"]
    body = b""
    if rng.random() < 0.3:
        lines.append(rng.choice(("Range: bytes=0-9", "Range: bytes=5-,-3,0-0", "If-None-Match: *", "Accept-Encoding: gzip",
                                 "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT", "TE: trailers",
                                 "X-A: " + "a" * rng.randrange(6000))))
    if method in ("POST", "PUT", "DELETE"):
        content = bytes(rng.choices(b"abc\r\n0", k=rng.choice((0, 1, 5, 2000, 70000))))
        if rng.random() < 0.5:
            lines.append("Transfer-Encoding: chunked")
            while content:
                size = rng.randrange(1, len(content) + 1)
                body += b"%x\r\n%b\r\n" % (size, content[:size])
                content = content[size:]
            body += b"0\r\n" + rng.choice((b"", b"X-T: v\r\n")) + b"\r\n"
        else:
            lines.append(f"Content-Length: {len(content)}")
            body = content
        if rng.random() < 0.2:
            lines.append("Expect: 100-continue")
    return "\r\n".join([*lines, "", ""]).encode() + body


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            data[at:at] = bytes(rng.choices(b"\r\n \t:,;%0aA/.\0\xff", k=rng.choice((1, 1, 2, 40))))
        elif kind == 1:
            del data[at:at + rng.choice((1, 1, 3, 50))]
        elif kind == 2 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 3:
            data[at:at] = data[rng.randrange(len(data) + 1):][:rng.choice((4, 30, 300))]
        elif kind == 4:
            del data[at:]
        else:
            data[at:at] = rng.choice((b"\r\n\r\n", b"\n\n", b"Content-Length: 18446744073709551616\r\n", b"0\r\n\r\n",
                                      b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"ffffffffffffffff\r\n"))
    return bytes(data)


def one_random(server, rng, known):
    """One connection. What it did, if the server neither answered nor closed, or answered nonsense; else None."""
    parts = [rng.choice(known) if rng.random() < 0.3 else good_request(rng)
             for _ in range(rng.choice((1, 1, 2, 5, 30)))]
    data = b"".join(parts)
    if rng.random() < 0.5:
        data = mutate(rng, data)
    sock = connect(server, rng.choice((0, 0, 0, 2000)))
    ending = rng.choice(("half", "half", "half", "reset", "close", "wait"))
    got = bytearray()
    try:
        while data:
            size = len(data) if rng.random() < 0.3 else rng.randrange(1, min(len(data), 5000) + 1)
            piece, data = data[:size], data[size:]
            sock.settimeout(0.2)
            try:
                sock.sendall(piece)
            except TimeoutError:
                break               # it does not take more before its answers are read
            if rng.random() < 0.02:
                ending = rng.choice(("reset", "close", "half"))
                break
            if rng.random() < 0.2 and select.select([sock], [], [], 0.002)[0]:
                got += sock.recv(rng.choice((1, 1000, 100000)))
        if ending == "reset":
            reset(sock)
            return None
        if ending == "close":
            return None
        if ending == "half":
            sock.shutdown(socket.SHUT_WR)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.settimeout(TIMEOUT)
        while piece := sock.recv(1 << 18):
            got += piece
    except TimeoutError:
        return f"neither answered nor closed ({ending}); so far {bytes(got[-300:])!r}"
    except OSError:
        pass
    finally:
        sock.close()
    if len(got) > 12 and not re.match(rb"HTTP/1\.[01] \d\d\d |\A$", got):
        return f"an answer begins {bytes(got[:100])!r}"
    return None


def test_random_requests_are_answered_or_closed_and_leave_nothing(make_server):
    server = make_server(SHORT + ZOO, main="load_module %MODULE:echo%; load_module %MODULE:misuse%;",
                         http="client_header_buffer_size 1k; large_client_header_buffers 4 8k;",
                         files={"f.txt": "file", "big.bin": b"0123456789abcdef" * 20000, "dir/x": "x"}).start()
    server.allowed = "cycle|sub-self"
    pid, known = server.process.pid, seeds()
    for number in range(2, 20):         # none of these waits for the server's patience to end
        one_random(server, random.Random(number), known)
    wait_for("it is quiet", lambda: descriptors(pid) < 30)
    fds = descriptors(pid)
    limit, wrong = time.monotonic() + SECONDS, []

    def work(number):
        turn = 0
        while time.monotonic() < limit and not wrong:
            turn += 1
            seed = f"{SEED}-{number}-{turn}"
            said = one_random(server, random.Random(seed), known)
            if said:
                wrong.append(f"seed {seed}: {said}")

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + 2 * TIMEOUT)
    assert not wrong, wrong[:3]
    assert not any(thread.is_alive() for thread in threads), "an answer without end"
    assert fetch(server.port, "/ok").body == b"ok"
    wait_for("every descriptor is back", lambda: descriptors(pid) <= fds)
    if not SANITIZED:
        assert status_kb(pid, "RssAnon") < 60_000


# ---- Order and framing. ----

@pytest.mark.parametrize("piece", [0, 1, 7, 1000])
def test_long_pipelines_with_bodies_are_answered_in_order(make_server, piece):
    server = make_server("location / { echo on; } location /r/ { return 200 $uri; }",
                         main="load_module %MODULE:echo%;", http="keepalive_requests 10000;").start()
    rng = random.Random(piece)
    data, wanted = b"", []
    for number in range(60 if piece == 1 else 300):
        if number % 3 == 0:
            data += b"GET /r/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number
            wanted.append(b"/r/%d" % number)
            continue
        body = b"%d;" % number * rng.randrange(1, 30)
        wanted.append(b"%d:%b" % (len(body), body))
        if number % 3 == 1:
            data += b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        else:
            data += (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                     b"".join(b"1\r\n%c\r\n" % c for c in body) + b"0\r\n\r\n")
    with Connection(server.port) as conn:
        sender = threading.Thread(target=conn.send, args=(data, piece, []), daemon=True)
        sender.start()
        for want in wanted:
            assert conn.response("POST").body == want
        sender.join(30)


def test_a_half_close_at_every_byte_is_answered_or_closed(make_server):
    server = make_server(SHORT + "location / { echo on; }", main="load_module %MODULE:echo%;").start()
    whole = (b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
             b"5\r\nabcde\r\n3;x=y\r\nfgh\r\n0\r\nT: v\r\n\r\n")
    for end in range(len(whole) + 1):
        sock = connect(server)
        sock.sendall(whole[:end])
        sock.shutdown(socket.SHUT_WR)
        answer = rest(sock)
        sock.close()
        if end == len(whole):
            assert b"8:\r\n8\r\nabcdefgh" in answer
        else:
            assert b" 200 " not in answer, f"an answer to {whole[:end]!r}"


def test_expect_is_answered_whether_the_client_waits_or_not(make_server):
    server = make_server("client_max_body_size 100; location / { echo on; } location /no { return 200 no; }",
                         main="load_module %MODULE:echo%;").start()
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with Connection(server.port) as conn:
        for _ in range(50):
            conn.send(head % b"/", methods=[])
            assert conn.response("POST").status == 100
            conn.send(b"abc", methods=[])
            assert conn.response("POST").body == b"3:abc"
            conn.send(head % b"/" + b"abc", methods=[])
            answer = conn.response("POST")
            while answer.status == 100:
                answer = conn.response("POST")
            assert answer.body == b"3:abc"
    for pieces in ((head % b"/no",), (head % b"/no", b"abc"), (head % b"/no" + b"abc",)):
        with Connection(server.port) as conn:
            for piece in pieces:
                conn.send(piece, methods=[])
            assert conn.response("POST").status == 200


# ---- Clients that do not read. ----

def body_of(answer):
    """The body of an answer that came whole, out of its chunks if there are any."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        assert len(body) == int(re.search(rb"Content-Length: (\d+)", head)[1])
        return body
    joined, at = bytearray(), 0
    while size := int(body[at:(line := body.index(b"\r\n", at))], 16):
        joined += body[line + 2:line + 2 + size]
        at = line + 2 + size + 2
    assert body[at:] == b"0\r\n\r\n"
    return bytes(joined)


@pytest.mark.parametrize("path, fields, memory", [
    ("/big", "", "32m"), ("/read/big", "", "32m"), ("/rate/big", "", "32m"), ("/list/", "", "32m"),
    ("/gzip/big", "Accept-Encoding: gzip\r\n", "0"),      # compressed anew, while the client does not read
    ("/gzip/big", "Accept-Encoding: gzip\r\n", "32m")])   # kept from the quick one's answer
def test_a_client_that_stops_reading_gets_every_byte_later(make_server, path, fields, memory):
    """Held up at random for a while, then on: the same bytes as for a quick one."""
    data = random.Random(4).randbytes(3_000_000)
    server = make_server("location / { } location /read/ { sendfile off; alias %ROOT%/; } "
                         "location /gzip/ { gzip on; gzip_types *; alias %ROOT%/; } "
                         "location /rate/ { limit_rate 4m; alias %ROOT%/; } "
                         "location /list/ { autoindex on; alias %ROOT%/d/; }",
                         listen="listen 127.0.0.1:%PORT% sndbuf=16k;", http=f"compress_memory {memory};",
                         files={"big": data, **{f"d/{'n' * 40}{i}": "" for i in range(2000)}}).start()
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\n{fields}Connection: close\r\n\r\n".encode()
    quick = connect(server)
    quick.sendall(request)
    want = body_of(rest(quick))
    quick.close()
    assert len(want) > 100_000
    slow = connect(server, 4096)
    slow.sendall(request)
    before = cpu_seconds(server.process.pid)
    time.sleep(0.7)
    assert cpu_seconds(server.process.pid) - before < 0.35, "it turns round while the client does not read"
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    assert body_of(rest(slow)) == want
    slow.close()


def test_answers_that_nobody_reads_are_bounded(make_server):
    """Requests without end, of which no answer is taken: reading stops."""
    server = make_server(SHORT + 'add_header X-Long "%s"; location / { return 204; }' % ("x" * 1000),
                         http="keepalive_requests 100000000;").start()
    before = status_kb(server.process.pid, "RssAnon")
    sock = connect(server)
    sock.setblocking(False)
    request, sent, limit = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000, 0, time.monotonic() + 1.5
    data = request
    while time.monotonic() < limit and sent < 200_000_000:
        if select.select([], [sock], [], 0.1)[1]:
            try:
                n = sock.send(data)
            except OSError:
                break
            sent += n
            data = data[n:] or request
    if not SANITIZED:
        assert status_kb(server.process.pid, "RssAnon") - before < 4000
    sock.close()
    assert fetch(server.port).status == 204


def test_waiting_costs_no_time_and_no_memory(make_server):
    """A source that waits, and limit_rate: the worker sleeps meanwhile."""
    server = make_server("location / { limit_rate 200k; } location /m/ { misuse_content on; }",
                         main="load_module %MODULE:misuse%;", files={"big": b"x" * 3_000_000}).start()
    for path in (b"/m/source-waits-long", b"/big"):
        sock = connect(server)
        sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        cpu, rss = cpu_seconds(server.process.pid), status_kb(server.process.pid, "RssAnon")
        time.sleep(1.2)
        assert cpu_seconds(server.process.pid) - cpu < 0.3
        assert status_kb(server.process.pid, "RssAnon") - rss < 1000
        sock.close()


def test_the_log_has_what_was_sent_of_an_answer(make_server):
    server = make_server("location / { }", http="log_format n '$status $body_bytes_sent'; access_log %PREFIX%/logs/n n;",
                         files={"x": "x"}).start()
    os.truncate(server.write("big", "x"), 4 << 30)
    sock = connect(server)
    sock.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    assert len(sock.recv(1000)) > 100
    reset(sock)
    log = server.prefix / "logs/n"
    wait_for("its line", lambda: log.exists() and log.read_text().strip())
    status, sent = map(int, log.read_text().split())
    assert status == 200 and sent < 64 << 20


def test_a_body_that_nobody_wants_may_take_longer_than_lingering_timeout(make_server):
    server = make_server("lingering_timeout 2s; location / { return 200 ok; }").start()
    with Connection(server.port) as conn:
        conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        assert conn.response().status == 200
        for _ in range(5):
            time.sleep(0.5)
            conn.send(b"xx", methods=[])
        conn.expect_kept()


# ---- Modules. ----

def misuses():
    text = (TOP / "tests/modules/misuse.c").read_text()
    return sorted({*re.findall(r'is\(r, "([^"]+)"\)', text), "body-plain"})


def test_a_module_that_breaks_the_rules_breaks_nothing_else(make_server):
    """Each request is followed by one that has to be right, or the connection is closed."""
    server = make_server(SHORT + "location = /ok { return 200 ok; } location /c/ { misuse_content on; } "
                         "location /f/ { misuse_content on; misuse_filters on; } "
                         "location /r/ { misuse_filters on; return 200 answer; }",
                         main="load_module %MODULE:misuse%;").start()
    fds, wrong = descriptors_at_rest(server), []

    def one(method, path, body):
        conn = Connection(server.port)
        conn.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() +
                  body + LAST)
        try:
            first = conn.response()
            assert conn.response().body == b"ok" or first.status < 200, "the next answer is not the next request's"
            conn.expect_closed()
        except AssertionError as error:
            if not str(error).startswith("closed"):
                wrong.append(f"{method} {path}: {error}")
        conn.close()
        if server.process.poll() is not None:
            wrong.append(f"{method} {path} ended the server")

    with ThreadPoolExecutor(6) as pool:
        for name in misuses():
            for where in ("/c/", "/f/", "/r/"):
                if where != "/r/" or name.startswith(("header", "filter", "sub")):
                    for method, body in (("GET", b""), ("HEAD", b""), ("POST", b"12345")):
                        pool.submit(one, method, f"{where}{name}", body)
    assert not wrong, wrong[:5]
    wait_for("every descriptor is back", lambda: descriptors(server.process.pid) <= fds)


def test_clients_that_leave_a_misusing_module_leave_nothing(make_server):
    """Cut before, while and after it waits."""
    server = make_server(SHORT + "location /c/ { misuse_content on; } location = /ok { return 200 ok; } "
                         "location /f/ { misuse_content on; misuse_filters on; }",
                         main="load_module %MODULE:misuse%;", listen="listen 127.0.0.1:%PORT% sndbuf=8k;").start()
    fds, rng = descriptors_at_rest(server), random.Random(7)
    for name in misuses() * 2:
        for where in ("/c/", "/f/"):
            sock = connect(server, rng.choice((0, 4096)))
            sock.sendall(f"POST {where}{name} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n123".encode() +
                         rng.choice((b"", b"45", b"45" + LAST)))
            time.sleep(rng.choice((0, 0, 0.001, 0.025)))
            if rng.random() < 0.5:
                sock.shutdown(socket.SHUT_WR)
            else:
                reset(sock)
            sock.close()
    assert fetch(server.port, "/ok").body == b"ok"
    wait_for("every descriptor is back", lambda: descriptors(server.process.pid) <= fds)


# ---- Files. ----

def test_files_that_change_while_they_are_sent_are_never_longer_than_promised(make_server):
    """Cut, grown, replaced, removed: as many bytes as the head said, or a close before; never other than written."""
    server = make_server("location / { } location /read/ { sendfile off; alias %ROOT%/; } open_file_cache off;"
                         "location /cached/ { open_file_cache max=10; open_file_cache_valid 1s; alias %ROOT%/; }",
                         files={"f": b"a" * 500_000}).start()
    server.allowed = "became shorter|sendfile|reading a file|truncated"
    path, stop = server.root / "f", threading.Event()

    def change():
        rng = random.Random(1)
        while not stop.is_set():
            kind, size = rng.randrange(4), rng.randrange(500_000)
            if kind == 0:
                os.truncate(path, size)
            elif kind == 1:
                spare = server.root / "spare"
                spare.write_bytes(b"a" * size)
                spare.rename(path)
            elif kind == 2:
                path.write_bytes(b"a" * size)
            else:
                path.unlink()
                path.write_bytes(b"a" * size)
            time.sleep(0.001)

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    begin, whole, cut = time.monotonic(), 0, 0
    try:
        while time.monotonic() - begin < (min(SECONDS, 3) if whole > 50 else 60):
            for where in ("/f", "/read/f", "/cached/f"):
                try:
                    answer = fetch(server.port, where)
                    if answer.status == 200 and set(answer.body) - set(b"a\0"):
                        raise AssertionError(f"bytes of elsewhere: {answer.body[:100]}")
                    whole += answer.status == 200
                except ProtocolError as error:
                    assert "closed after" in str(error)
                    cut += 1
    finally:
        stop.set()
        thread.join(30)
    assert whole > 50
    time.sleep(0.05)
    path.write_bytes(b"b" * 1000)
    assert fetch(server.port, "/f").body == b"b" * 1000


@pytest.mark.parametrize("setting", ["on", "if_not_owner"])
def test_flipping_links_never_lead_out(make_server, setting):
    """A part of the path, and the file, change between what may be sent and links to a secret."""
    server = make_server(f"disable_symlinks {setting} from=%ROOT%; open_file_cache off; location / {{ }}",
                         files={"dir/f": "good", "good": "good"}).start()
    out = server.prefix / "out"
    out.mkdir()
    (out / "f").write_text("SECRET")
    if setting == "if_not_owner":
        if os.geteuid() != 0:
            pytest.skip("links of another owner are root's to make")
        os.chown(out / "f", 65534, 65534)
        os.chown(out, 65534, 65534)
    root, stop, turns = server.root, threading.Event(), [0]

    def flip():
        while not stop.is_set():
            turns[0] += 1
            link = root / "spare"
            link.symlink_to(out / "f" if turns[0] % 2 else root / "good")
            link.rename(root / "file")
            try:
                (root / "way").unlink()
            except IsADirectoryError:
                (root / "way").rename(root / "dir")
            except FileNotFoundError:
                pass
            if turns[0] % 2:
                (root / "way").symlink_to(out)
            else:
                (root / "dir").rename(root / "way")

    thread = threading.Thread(target=flip, daemon=True)
    thread.start()
    begin, seen = time.monotonic(), {}
    try:
        while time.monotonic() - begin < (min(SECONDS, 2) if turns[0] > 200 and 403 in seen else 60):
            with Connection(server.port) as conn:
                for path in ("/file", "/way/f") * 100:
                    answer = conn.get(path)
                    assert b"SECRET" not in answer.body, path
                    seen[answer.status] = seen.get(answer.status, 0) + 1
    finally:
        stop.set()
        thread.join(30)
    assert turns[0] > 200 and set(seen) <= {200, 403, 404, 500} and 403 in seen, seen


def test_a_full_disk_for_bodies_is_an_error_and_no_end(make_server, small_disk):
    server = make_server(f"client_max_body_size 0; client_body_buffer_size 1k; location / {{ echo on; }}"
                         "location /ok { return 200 ok; }", main="load_module %MODULE:echo%;",
                         http=f"client_body_temp_path {small_disk}/bodies; access_log {small_disk}/access.log;").start()
    server.allowed = "No space left on device"
    body = b"x" * 3_000_000
    for _ in range(3):
        with Connection(server.port) as conn:
            conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert conn.response().status == 500
    with Load(server.port, "/ok") as load:
        load.wait_more(2000)
    load.assert_clean()
    with Connection(server.port) as conn:
        assert conn.get("/", "POST", body=b"y" * 100).body == b"100:" + b"y" * 100
    assert not list((small_disk / "bodies").rglob("*[0-9]*"))


def test_files_at_their_limit_are_as_a_full_disk(make_server):
    import resource
    server = make_server("client_max_body_size 0; client_body_buffer_size 1k; location / { echo on; }"
                         "location /ok { return 200 ok; }", main="load_module %MODULE:echo%;",
                         http="access_log %PREFIX%/logs/access.log;").start()
    server.allowed = "File too large"
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (50_000, 50_000))
    with Connection(server.port) as conn:
        conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)
        assert conn.response().status == 500
    with Load(server.port, "/ok") as load:
        load.wait_more(1500)
    load.assert_clean()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one mebibyte."""
    import subprocess
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs", str(disk)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting is root's")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


# ---- Heads, loops. ----

def test_heads_of_any_size_are_sent_whole(make_server):
    lines = "\n".join(f'add_header X-{i} "{chr(97 + i % 26) * 3000}";' for i in range(40))
    server = make_server(f"{lines} location / {{ }} location /e {{ return 204; }}", files={"f": "file"}).start()
    with Connection(server.port) as conn:
        for path, body in (("/f", b"file"), ("/e", b""), ("/f", b"file")):
            answer = conn.get(path)
            assert answer.body == body
            assert [answer.get(f"X-{i}") for i in range(40)] == [chr(97 + i % 26) * 3000 for i in range(40)]
    sock = connect(server, 4096)
    sock.sendall(b"GET /f HTTP/1.1\r\nHost: a\r\n\r\n" * 20 + b"GET /e HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    time.sleep(0.3)
    assert rest(sock).count(b"HTTP/1.1 20") == 21
    sock.close()


def test_loops_inside_the_server_end(make_server):
    server = make_server("location /t1 { try_files /no /t2; } location /t2 { try_files /no /t1; } "
                         "location /e/ { error_page 404 = /e/x$request_uri; } "
                         "location /n { error_page 404 = @n; return 404; } "
                         "location @n { error_page 404 = @n; return 404; } recursive_error_pages on; "
                         "location = /ok { return 200 ok; } location /m/ { misuse_content on; misuse_filters on; }",
                         main="load_module %MODULE:misuse%;").start()
    with Connection(server.port) as conn:
        for path in ("/t1", "/e/y", "/n"):
            assert conn.get(path).status in (404, 500), path
        answer = conn.get("/m/sub-self")
        assert answer.status == 200
    assert fetch(server.port, "/ok").body == b"ok"


# ---- Processes. ----

def test_reloads_and_kills_under_torture_cost_only_what_was_in_flight(make_server):
    server = make_server(SHORT + 'location / { } location /r { return 200 "ok"; } location /echo { echo on; }',
                         single=False, main="worker_processes 2; load_module %MODULE:echo%;",
                         files={"big": b"x" * 400_000}).start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    server.allowed = "exited on signal 9"
    limit = time.monotonic() + min(SECONDS, 4)
    with Load(server.port, "/big", keep=True, check=lambda a: a.body == b"x" * 400_000) as load:
        with Load(server.port, "/r", keep=False, check=lambda a: a.body == b"ok") as short:
            while time.monotonic() < limit:
                server.kill(signal.SIGHUP)
                time.sleep(0.1)
            load.wait_more(20)
            short.wait_more(20)
            load.assert_clean()
            short.assert_clean()
            for _ in range(3):
                for victim in server.workers()[:1]:
                    server.kill(signal.SIGKILL, victim)
                time.sleep(0.2)
            assert len(load.failed) + len(short.failed) <= 3 * 4
            load.failed.clear()
            short.failed.clear()
            load.wait_more(20)
            short.wait_more(20)
        short.assert_clean()
    load.assert_clean()
    wait_for("old workers leave", lambda: len(server.workers()) == 2)


def test_descriptors_at_their_end_cost_no_answer_its_bytes(make_server):
    """Requests on what is open go on while there are no descriptors for more; then all is as before."""
    server = make_server("location / { }", single=False, main="worker_processes 1; worker_rlimit_nofile 60;",
                         files={"f": b"0123456789" * 1000}).start()
    server.allowed = "Too many open files|worker_connections|worker_rlimit|descriptors"
    wait_for("a worker", lambda: len(server.workers()) == 1)
    worker = server.workers()[0]
    held = [Connection(server.port) for _ in range(100)]
    good = 0
    for _ in range(3):
        for conn in held[:15]:
            answer = conn.get("/f")
            assert answer.status in (200, 500, 503)
            good += answer.body == b"0123456789" * 1000
    assert good >= 30
    for conn in held:
        conn.close()
    begin = time.monotonic()
    for _ in range(20):
        assert fetch(server.port, "/f").body == b"0123456789" * 1000
    assert time.monotonic() - begin < 15 and alive(worker)


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's memory is not the server's")
def test_five_thousand_connections_give_their_memory_back(make_server):
    """Half a kilobyte while idle; and what requests needed at the same time is not kept."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 12000:
        pytest.skip("too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (12000, hard))
    server = make_server("location / { return 200 ok; } location /m/ { misuse_content on; }",
                         main="load_module %MODULE:misuse%; worker_rlimit_nofile 12000;")
    server.configure(server.text.replace("worker_connections 1024;", "worker_connections 6000;"))
    server.start()
    pid = server.process.pid
    for _ in range(50):
        fetch(server.port)
    before = status_kb(pid, "RssAnon")
    held = [connect(server) for _ in range(5000)]
    try:
        for sock in held:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for sock in held:
            assert sock.recv(4096).startswith(b"HTTP/1.1 200")
        idle = status_kb(pid, "RssAnon") - before
        for sock in held:
            sock.sendall(b"GET /m/wait HTTP/1.1\r\nHost: a\r\n\r\n")
        for sock in held:
            assert sock.recv(4096).startswith(b"HTTP/1.1 504")
        wait_for("what requests needed is given back",
                 lambda: status_kb(pid, "RssAnon") - before <= idle + 6000)
    finally:
        for sock in held:
            sock.close()
    wait_for("all connections are gone", lambda: descriptors(pid) < 30)
    wait_for("what connections needed is given back",
             lambda: status_kb(pid, "RssAnon") - before <= 5000)
    assert idle * 1024 / 5000 <= 600, f"{idle * 1024 / 5000:.0f} bytes an idle connection"
