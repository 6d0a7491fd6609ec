"""curl, nghttp, h2load and openssl s_client at one TLS port: what they say of it, over both versions and protocols.

Clients that others wrote find what those that we wrote agree on with the server by mistake.  [RFC 9110, 9113, 8446]
"""

import re
import shutil
import subprocess

import pytest

from weir.authority import authority
from weir.server import Server, configuration, wait_for
from weir.tls import s_client

pytestmark = [pytest.mark.weir_only,
              pytest.mark.skipif(not all(map(shutil.which, ("curl", "nghttp", "h2load", "openssl"))), reason="no clients")]
PAIR = "ssl_certificate %TLS%/{0}.pem; ssl_certificate_key %TLS%/{0}.key; server_name {0};"
BIG = bytes(range(256)) * 8192
FILES = {"index.html": '<link rel="stylesheet" href="style.css"><script src="code.js"></script><img src="image.svg">',
         "style.css": "p { color: red }", "code.js": "1;", "image.svg": "<svg/>", "big": BIG, "words": "word " * 4000}
HTTPS = PAIR.format("a.example") + """
    http2 on; keepalive_requests 100000; client_max_body_size 10m; gzip on; gzip_http_version 1.0;
    location / { }
    location = /said { return 200 "$server_protocol $ssl_protocol $ssl_server_name $scheme"; }
    location = /echo { echo on; }
"""


@pytest.fixture(scope="module")
def server():
    made = Server(FILES)
    made.configure(configuration(HTTPS, listen="listen 127.0.0.1:%PORT% ssl;", main="load_module %MODULE:echo%;",
                                 http="types { text/html html; text/css css; text/javascript js; image/svg+xml svg; }",
                                 servers=["listen 127.0.0.1:%PORT% ssl; " + PAIR.format("rsa.example") +
                                          'http2 on; return 200 "rsa";']))
    made.start()
    yield made
    made.stop()


def run(*words, timeout=60):
    return subprocess.run([str(w) for w in words], capture_output=True, timeout=timeout)


def said(done):
    return (done.stdout + done.stderr).decode("latin-1")


# ---- curl. ----------------------------------------------------------------------------------------

def curl(server, path, *words, name="a.example"):
    """curl that trusts the tests' authority, and finds the name at the server."""
    paths = [path] if isinstance(path, str) else path
    return run("curl", "-sS", "--noproxy", "*", "--cacert", authority() / "ca.pem",
               "--resolve", f"{name}:{server.port}:127.0.0.1", *words, *(f"https://{name}:{server.port}{p}" for p in paths))


WAYS = [pytest.param(f"--http{http}", ["--tlsv" + tls, "--tls-max", tls], f"HTTP/{'2.0' if http == '2' else http}", f"TLSv{tls}",
                     id=f"http{http}-tls{tls}")
        for http in ("1.1", "2") for tls in ("1.2", "1.3")]


@pytest.mark.parametrize("http, tls, protocol, version", WAYS)
class TestCurl:
    def test_it_speaks_what_it_was_told_to(self, server, http, tls, protocol, version):
        done = curl(server, "/said", http, *tls, "-w", "\n%{http_version} %{http_code} %{ssl_verify_result}")
        assert done.stdout.decode() == \
            f"{protocol} {version} a.example https\n{protocol[5:].removesuffix('.0')} 200 0", said(done)

    def test_it_gets_a_large_file_whole(self, server, http, tls, protocol, version):
        done = curl(server, "/big", http, *tls)
        assert done.returncode == 0 and done.stdout == BIG

    def test_it_goes_on_where_it_left_off(self, server, http, tls, protocol, version):
        done = curl(server, "/big", http, *tls, "-r", "1000000-", "-w", "%{stderr}%{http_code}")
        assert (done.stderr, done.stdout) == (b"206", BIG[1000000:])

    def test_it_sends_a_large_body(self, server, http, tls, protocol, version):
        done = curl(server, "/echo", http, *tls, "--data-binary", f"@{server.root}/big")
        assert done.stdout == b"%d:" % len(BIG) + BIG, said(done)[:500]

    def test_it_sends_a_body_of_no_known_length(self, server, http, tls, protocol, version):
        done = curl(server, "/echo", http, *tls, "-H", "Transfer-Encoding: chunked" if "1.1" in http else "X: y",
                    "-T", server.root / "words")
        assert done.stdout == b"20000:" + b"word " * 4000, said(done)[:500]

    def test_it_decodes_what_was_compressed(self, server, http, tls, protocol, version):
        done = curl(server, "/index.html", http, *tls, "--compressed", "-w", "%{stderr}%header{content-encoding}")
        assert (done.stderr, done.stdout) == (b"gzip", FILES["index.html"].encode())

    def test_it_uses_one_connection_for_many_requests(self, server, http, tls, protocol, version):
        done = curl(server, ["/style.css"] * 20, http, *tls, "-o", *" -o ".join(["/dev/null"] * 20).split(),
                    "-w", "%{http_code} %{num_connects}\n")
        assert done.stdout.split() == [b"200", b"1"] + [b"200", b"0"] * 19, said(done)

    def test_it_asks_for_the_head_alone(self, server, http, tls, protocol, version):
        done = curl(server, "/big", http, *tls, "-I")
        assert done.returncode == 0 and f"content-length: {len(BIG)}" in done.stdout.decode().lower(), said(done)


def test_curl_sends_many_at_once_over_one_connection(server):
    done = curl(server, "/style.css?[1-50]", "--http2", "--parallel", "--parallel-max", "50", "-o", "/dev/null",
                "-w", "%{http_version} %{http_code} %{num_connects}\n")
    lines = done.stdout.decode().split("\n")[:-1]
    assert [line.rsplit(" ", 1)[0] for line in lines] == ["2 200"] * 50, said(done)
    assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) == 1


@pytest.mark.parametrize("words, code, says", [
    (["--tls-max", "1.1", "--tlsv1.0", "--ciphers", "ALL:@SECLEVEL=0"], 35, "alert protocol version"),
    (["--tls-max", "1.2", "--ciphers", "AES128-SHA"], 35, "handshake failure"),
])
def test_curl_cannot_be_told_to_speak_worse(server, words, code, says):
    done = curl(server, "/said", *words)
    assert done.returncode == code and says in said(done), said(done)


def test_curl_refuses_the_default_certificate_for_an_unknown_name(server):
    done = curl(server, "/said", name="other.example")
    assert done.returncode == 60 and "other.example" in said(done), said(done)


def test_curl_gets_each_name_its_certificate(server):
    done = curl(server, "/", "-v", name="rsa.example")
    assert done.stdout == b"rsa" and b"CN=rsa.example" in done.stderr, said(done)


# ---- nghttp and h2load. ---------------------------------------------------------------------------

def url(server, path):
    return f"https://127.0.0.1:{server.port}{path}"


def test_nghttp_gets_a_page_and_its_parts(server):
    done = run("nghttp", "-nas", url(server, "/index.html"))
    for name in ("index.html", "style.css", "code.js", "image.svg"):
        assert re.search(rf" 200 +\d+ +/{name}\n", said(done)), said(done)


def test_nghttp_agrees_on_h2_and_sees_no_error(server):
    told = said(run("nghttp", "-nv", "-m", "5", url(server, "/style.css")))
    assert "The negotiated protocol: h2" in told
    assert told.count(":status: 200") == 5 and "RST_STREAM" not in told, told
    assert not re.search(r"recv GOAWAY .*\n.*error_code=(?!NO_ERROR)", told), told


def test_nghttp_sends_bodies_with_trailers_and_after_100(server):
    done = run("nghttp", "-v", "--expect-continue", "--trailer", "check: sum", "-d", server.root / "words", url(server, "/echo"))
    told = said(done)
    assert ":status: 100" in told and ":status: 200" in told and "20000:word word" in told, told


@pytest.mark.parametrize("stream, connection", [(10, 11), (10, 16), (14, 14), (30, 30)])
def test_nghttp_with_windows_of_any_size_gets_all(server, stream, connection):
    """2^10-1 bytes take thousands of WINDOW_UPDATE: slow, but not a flood."""
    done = run("nghttp", "-w", stream, "-W", connection, url(server, "/big"))
    assert done.returncode == 0 and done.stdout == BIG


@pytest.mark.parametrize("words, protocol", [([], "h2"), (["--h1"], "http/1.1")])
def test_h2load_counts_no_failure(server, words, protocol):
    told = said(run("h2load", "-n", 4000, "-c", 8, "-m", 20 if protocol == "h2" else 1, *words, url(server, "/style.css")))
    assert "4000 total, 4000 started, 4000 done, 4000 succeeded, 0 failed, 0 errored, 0 timeout" in told, told
    assert "4000 2xx, 0 3xx, 0 4xx, 0 5xx" in told
    assert f"Application protocol: {protocol}" in told and "TLS Protocol: TLSv1.3" in told


# ---- openssl s_client. ----------------------------------------------------------------------------

class Talk:
    """s_client with somebody at its keyboard: it takes a letter as a command when that comes alone."""

    def __init__(self, server, *words):
        self.log = server.prefix / "s_client"
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *words],
                                            stdin=subprocess.PIPE, stdout=out, stderr=out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def type(self, text, until):
        """Type, and wait for what it says then; all of it."""
        before = self.log.stat().st_size
        self.process.stdin.write(text)
        self.process.stdin.flush()
        return wait_for(until, lambda: re.search(until.encode(), self.log.read_bytes()[before:])
                        and self.log.read_bytes()[before:].decode("latin-1"))

    def ready(self):
        wait_for("handshake", lambda: b"\nVerify return code" in self.log.read_bytes().replace(b"    Verify", b"Verify"))
        return self


REQUEST = b"GET /said HTTP/1.1\r\nHost: a.example\r\n\r\n"


def test_s_client_comes_back_to_its_session(server):
    told = s_client(server, "-tls1_2", "-reconnect", "-servername", "a.example")
    assert told.count("\nNew, TLSv1.2") == 1 and told.count("\nReused, TLSv1.2") == 5, told


def test_s_client_comes_back_with_a_ticket_of_tls_1_3(server):
    kept = server.prefix / "session"
    with Talk(server, "-tls1_3", "-servername", "a.example", "-sess_out", str(kept)) as talk:
        talk.ready().type(REQUEST, "TLSv1.3 a.example https")
        wait_for("a ticket", kept.exists)
        talk.type(b"Q\n", "DONE")
    assert "Reused, TLSv1.3" in s_client(server, "-tls1_3", "-servername", "a.example", "-sess_in", kept)


@pytest.mark.parametrize("offer, agreed", [
    ("h2,http/1.1", "ALPN protocol: h2\n"), ("http/1.1,h2", "ALPN protocol: h2\n"),
    ("http/1.1", "ALPN protocol: http/1.1\n"), ("nonsense", "alert no application protocol"),
])
def test_s_client_agrees_on_the_protocol_above(server, offer, agreed):
    assert agreed in s_client(server, "-alpn", offer)


def test_s_client_that_offers_nothing_speaks_http_1(server):
    with Talk(server, "-servername", "a.example") as talk:
        assert b"No ALPN negotiated" in talk.ready().log.read_bytes()
        assert "HTTP/1.1 TLSv1.3 a.example https" in talk.type(REQUEST, "https$")


def test_s_client_asking_for_an_unknown_name_gets_the_default(server):
    told = s_client(server, "-servername", "other.example", "-verify_hostname", "other.example")
    assert "CN = a.example" in told and "Verify return code: 62 (hostname mismatch)" in told
    assert "Verify return code: 0 (ok)" in s_client(server, "-servername", "rsa.example", "-verify_hostname", "rsa.example")


@pytest.mark.parametrize("version", ["-tls1_1", "-tls1"])
def test_s_client_of_old_is_told_why(server, version):
    told = s_client(server, version, "-cipher", "ALL:@SECLEVEL=0")
    assert "alert protocol version" in told and "Cipher is (NONE)" in told


def test_s_client_cannot_fall_back_by_itself(server):
    """[RFC 7507]"""
    assert "alert inappropriate fallback" in s_client(server, "-tls1_2", "-fallback_scsv")


def test_s_client_may_not_negotiate_again(server):
    with Talk(server, "-tls1_2", "-servername", "a.example") as talk:
        talk.ready().type(REQUEST, "TLSv1.2 a.example https")
        assert "RENEGOTIATING" in talk.type(b"R\n", "no renegotiation|handshake failure")
    assert curl(server, "/said").returncode == 0


@pytest.mark.parametrize("letter", [b"k", b"K"])
def test_s_client_may_change_its_keys(server, letter):
    """K asks the server to change its own as well.  [RFC 8446 4.6.3]"""
    with Talk(server, "-tls1_3", "-servername", "a.example") as talk:
        talk.ready().type(REQUEST, "TLSv1.3 a.example https")
        for _ in range(3):
            talk.type(letter + b"\n", "KEYUPDATE")
            talk.type(REQUEST, "TLSv1.3 a.example https")
