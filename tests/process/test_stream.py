"""The examples of docs/examples: they compile with a module author's flags, load, and do what they say.

redis_access talks to a small Redis of this file, so this is also where weir_stream and upstream{} are
held against a server that is slow, silent, broken or gone.
"""

import os
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from weir.origin import Origin, answers
from weir.server import TOP, wait_for
from weir.wire import Connection, fetch

pytestmark = pytest.mark.weir_only

BUILD = Path(os.environ.get("WEIR_BUILD") or TOP / "build")
FLAGS = ["-std=c17", "-O2", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fvisibility=hidden",
         "-fno-plt", "-fPIC", "-shared", f"-I{TOP}/include"]


@pytest.fixture(scope="session")
def examples():
    """The folder of the compiled examples; theirs, because a server loads from safe folders only."""
    folder = BUILD / "tests" / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted((TOP / "docs/examples").glob("*.c")):
        subprocess.run([shutil.which("gcc") or "cc", *FLAGS, "-o", folder / f"{source.stem}.so", source], check=True)
    return folder


def load(examples, *names):
    return "".join(f"load_module {examples}/{name}.so;\n" for name in names)


# -- hello

def test_hello_answers_with_its_text(make_server, examples):
    server = make_server('location /hello { hello on; hello_text "Hello, $remote_addr\\n"; }',
                         main=load(examples, "hello")).start()
    answer = fetch(server.port, "/hello")
    assert (answer.status, answer.body, answer.get("Content-Type")) == (200, b"Hello, 127.0.0.1\n", "text/plain")
    assert fetch(server.port, "/hello", "HEAD").get("Content-Length") == "17"
    assert fetch(server.port, "/hello", "DELETE").status == 405
    assert fetch(server.port, "/").status != 200


# -- balance_example

def test_balance_example_keeps_clients_to_their_half(make_server, examples):
    origins = [Origin(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + letter)) for letter in (b"a", b"b", b"c")]
    group = " ".join(f"server {origin.address};" for origin in origins)
    server = make_server("location / { courier up; }", http=f"upstream up {{ demo_halves; {group} }}",
                         main="load_module %MODULE:courier%;" + load(examples, "balance_example")).start()
    seen = {"127.0.0.2": set(), "127.0.0.3": set()}
    for address, letters in seen.items():
        for _ in range(6):
            with Connection(server.port, source=(address, 0)) as connection:
                letters.add(connection.get("/").body)
    assert seen == {"127.0.0.2": {b"a", b"c"}, "127.0.0.3": {b"b"}}
    for origin in origins:
        origin.close()


# -- csp

MARK = b"@@CSP_NONCE@@"
CSP = """location / { csp on; default_type text/html; }
         location /text { csp on; default_type text/plain; }"""


def nonce_of(answer):
    return re.fullmatch(r"script-src 'nonce-([0-9a-f]{32})'", answer.get("Content-Security-Policy"))[1].encode()


def test_csp_puts_one_nonce_into_head_and_page(make_server, examples):
    page = b"<script nonce=" + MARK + b"></script><p>@@CSP_@@CSP_NONCE@@@@"
    server = make_server(CSP, {"page": page, "text": page}, main=load(examples, "csp")).start()
    first, second = fetch(server.port, "/page"), fetch(server.port, "/page")
    for answer in first, second:
        assert answer.body == page.replace(MARK, nonce_of(answer))
    assert nonce_of(first) != nonce_of(second)
    plain = fetch(server.port, "/text")
    assert plain.body == page and plain.get("Content-Security-Policy") is None


def test_csp_finds_marks_wherever_buffers_end(make_server, examples):
    page = b"".join(b"x" * gap + MARK for gap in range(600)) + b"@@CSP_NONCE@"
    server = make_server(CSP, {"page": page}, main=load(examples, "csp")).start()
    answer = fetch(server.port, "/page")
    assert answer.body == page.replace(MARK, nonce_of(answer))


# -- redis_access

class Redis:
    """EXISTS over RESP, on a port of the kernel's; counts what it sees."""

    def __init__(self, keys=()):
        self.keys, self.connections, self.questions, self.ended = set(keys), 0, [], 0
        self.answer = None              # bytes in place of the right answer; b"": silence; None: the right one
        self.pieces = False             # a byte at a time
        self.hang_up = False            # close after each answer
        self.socks = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self.socks.append(sock)
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock):
        file = sock.makefile("rb")
        try:
            while (count := file.readline()):
                words = []
                for _ in range(int(count[1:])):
                    size = int(file.readline()[1:])
                    words.append(file.read(size))
                    assert file.read(2) == b"\r\n"
                assert words[0] == b"EXISTS" and len(words) == 2
                self.questions.append(words[1].decode())
                self.reply(sock, b":1\r\n" if self.questions[-1] in self.keys else b":0\r\n")
                if self.hang_up:
                    sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.ended += 1
        file.close()
        sock.close()

    def reply(self, sock, right):
        data = right if self.answer is None else self.answer
        for piece in [data[at:at + 1] for at in range(len(data))] if self.pieces else [data]:
            sock.sendall(piece)

    def close(self):
        for sock in [self.listener, *self.socks]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass                    # it has ended already
        self.listener.close()


@pytest.fixture
def redis():
    made = Redis({"session:known", "session:other"})
    yield made
    made.close()


GUARD = """location /app {
    redis_access sessions; redis_access_key "session:$cookie_sid"; %s
}"""


@pytest.fixture
def site(make_server, examples, redis):
    """Start a server whose /app/page is for those whom redis knows; %s in `upstream` is its address."""
    def make(upstream="server %s;", more="", http="", **rest):
        group = upstream.replace("%s", f"127.0.0.1:{redis.port}")
        return make_server(GUARD % more, {"app/page": b"in"}, http=f"upstream sessions {{ {group} }}\n{http}",
                           main=load(examples, "redis_access"), **rest).start()
    return make


def visit(server, sid="known"):
    return fetch(server.port, "/app/page", fields=[f"Cookie: sid={sid}"])


def test_redis_lets_in_whom_it_knows(site, redis):
    server = site()
    assert visit(server).body == b"in"
    assert visit(server, "stranger").status == 403
    assert visit(server, "other").status == 200
    assert redis.questions == ["session:known", "session:stranger", "session:other"]


def test_a_connection_is_kept_and_used_again(site, redis):
    server = site()
    for _ in range(5):
        assert visit(server).status == 200
    assert redis.connections == 1


def test_keepalive_0_makes_a_connection_each_time(site, redis):
    server = site("server %s; keepalive 0;")
    for _ in range(3):
        assert visit(server).status == 200
    assert redis.connections == 3


def test_keepalive_requests_bounds_the_uses_of_a_connection(site, redis):
    server = site("server %s; keepalive_requests 2; keepalive_time 1h; keepalive_timeout 60s;")
    for _ in range(4):
        assert visit(server).status == 200
    assert redis.connections == 2


def test_an_answer_may_come_byte_by_byte(site, redis):
    redis.pieces = True
    server = site()
    assert visit(server).status == 200
    assert visit(server, "stranger").status == 403


def test_a_connection_closed_while_idle_is_replaced(site, redis):
    redis.hang_up = True
    server = site()
    for n in range(1, 4):
        assert visit(server).status == 200
        wait_for("its end", lambda: redis.ended == n)
    assert redis.connections == 3


def test_an_answer_nobody_asked_for_reaches_nobody(site, redis):
    server = site()
    redis.answer = b":1\r\n:1\r\n"
    assert visit(server).status == 200
    redis.answer = None
    assert visit(server, "stranger").status == 403
    assert redis.connections == 2


def test_a_broken_answer_is_an_error(site, redis):
    redis.answer = b"-ERR no such thing\r\n"
    server = site()
    assert visit(server).status == 500
    assert "redis says -ERR no such thing" in server.log()


def test_silence_is_a_time_out(site, redis):
    redis.answer = b""
    server = site(more="redis_access_timeout 50ms;")
    assert visit(server).status == 504
    wait_for("the connection to be closed", lambda: redis.ended == 1)


def test_no_redis_is_a_bad_gateway(site, redis):
    redis.close()
    server = site()
    assert visit(server).status == 502
    assert "connect() failed (111: Connection refused) while connecting to upstream" in server.log()


def test_another_server_of_the_group_is_tried(site, redis, make_server):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = gone.getsockname()[1]
    server = site(f"server 127.0.0.1:{dead} weight=9 max_fails=1 fail_timeout=1h; server %s;")
    for _ in range(6):
        assert visit(server).status == 200
    refusals = [line for line in server.log().splitlines() if "connect() failed" in line and str(dead) in line]
    assert len(refusals) == 1       # then it is left out


def test_backups_are_asked_when_the_others_are_down(site, redis):
    server = site("server 127.0.0.1:9 down; server %s backup;")
    assert visit(server).status == 200


def test_a_client_that_leaves_takes_its_question_along(site, redis):
    redis.answer = b""
    server = site(more="redis_access_timeout 30s;")
    conn = Connection(server.port)
    conn.send(b"GET /app/page HTTP/1.1\r\nHost: a\r\nCookie: sid=known\r\n\r\n")
    wait_for("the question", lambda: redis.questions)
    conn.close()
    wait_for("the connection to be closed", lambda: redis.ended == 1)
    redis.answer = None
    assert visit(server).status == 200


def test_answers_are_remembered_in_the_zone(site, redis):
    server = site(more="redis_access_ttl 1h;", http="redis_access_zone seen:1m;")
    for _ in range(3):
        assert visit(server).status == 200
        assert visit(server, "stranger").status == 403
    assert redis.questions == ["session:known", "session:stranger"]


def test_many_questions_at_once(site, redis):
    server = site()
    conns = [Connection(server.port) for _ in range(40)]
    for n, conn in enumerate(conns):
        conn.send(b"GET /app/page HTTP/1.1\r\nHost: a\r\nCookie: sid=%s\r\n\r\n" % (b"known", b"not")[n % 2])
    assert [conn.response().status for conn in conns] == [200, 403] * 20
    for conn in conns:
        conn.close()
    wait_for("eight to be left", lambda: redis.ended == redis.connections - 8 or redis.connections <= 8)


def test_idle_connections_do_not_hold_a_worker(site, redis):
    server = site(single=False)
    assert visit(server).status == 200
    assert server.run("-s", "quit").returncode == 0
    assert server.process.wait(30) == 0
    wait_for("the connection to be closed", lambda: redis.ended == redis.connections)


def test_a_reload_keeps_asking(site, redis):
    server = site(single=False)
    assert visit(server).status == 200
    before = server.workers()
    assert server.run("-s", "reload").returncode == 0
    wait_for("other workers", lambda: server.workers() and not set(server.workers()) & set(before))
    assert visit(server).status == 200


@pytest.mark.parametrize("group, ask_for, said", [
    ("upstream sessions { server 127.0.0.1:1; }", "sesions", 'did you mean the upstream "sessions"?'),
    ("upstream sessions { }", "sessions", "no servers are inside upstream"),
    ("upstream sessions { server 127.0.0.1:1 max_cons=2; }", "sessions", 'invalid parameter "max_cons=2"'),
    ("upstream sessions { server 127.0.0.1:1; sync; }", "sessions", 'unknown directive "sync"'),
])
def test_mistakes_are_named(make_server, examples, group, ask_for, said):
    server = make_server(f"location / {{ redis_access {ask_for}; redis_access_key k; }}", http=group,
                         main=load(examples, "redis_access"))
    test = server.run("-t")
    assert test.returncode == 1
    assert said in test.stderr
