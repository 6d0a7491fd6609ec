"""TLS towards upstreams: whom the server believes, what it says, and which connections and sessions it uses again.

The module test.courier passes requests on; the origin is another server, which answers with what it sees."""

import re
import ssl
import threading

import pytest

from weir.authority import authority
from weir.origin import Origin
from weir.wire import Connection

MAIN = "load_module %MODULE:courier%;"
SEEN = ("$ssl_server_name|$ssl_session_reused|$ssl_client_s_dn|$connection|$ssl_protocol|$ssl_cipher")


def site(name, more="", port="%PORT%"):
    return (f"listen 127.0.0.1:{port} ssl; server_name {name}; ssl_certificate %TLS%/{name}.pem; "
            f'ssl_certificate_key %TLS%/{name}.key; {more} location / {{ return 200 "{SEEN}"; }}')


@pytest.fixture
def origin(make_server):
    return make_server(site("a.example"), listen="", servers=[
        site("b.example"), "listen 127.0.0.1:%PORT2% ssl; ssl_certificate %TLS%/a.example.pem; "
        "ssl_certificate_key %TLS%/a.example.key; ssl_verify_client on; ssl_client_certificate %TLS%/clients.pem; "
        f'location / {{ return 200 "{SEEN}"; }}']).start()


def front(make_server, port, more="", http="", **rest):
    """A server that passes everything on to the port, speaking TLS as `more` says."""
    return make_server(f"courier_tls_trusted %TLS%/ca.pem; {more} location / {{ courier 127.0.0.1:{port}; }}",
                       http=http, main=MAIN, **rest).start()


def ask(server, path="/"):
    with Connection(server.port) as conn:
        answer = conn.get(path)
        return answer.status, answer.body.decode()


def seen(server, path="/"):
    status, body = ask(server, path)
    assert status == 200, server.log()
    return dict(zip("name reused client connection protocol cipher".split(), body.split("|")))


def test_name_is_told_and_verified(make_server, origin):
    server = front(make_server, origin.port, "courier_tls b.example;")
    assert seen(server)["name"] == "b.example"


@pytest.mark.parametrize("more, words", [
    ("courier_tls c.example;", 'upstream SSL certificate does not match "c.example"'),
    ("courier_tls 127.0.0.1;", 'upstream SSL certificate does not match "127.0.0.1"'),
    ("courier_tls a.example; courier_tls_trusted %TLS%/strangers.pem;", "upstream SSL certificate verify error: \\(20:"),
    ("courier_tls a.example; courier_tls_protocols TLSv1.1; courier_tls_ciphers ALL:@SECLEVEL=0;", "SSL_do_handshake\\(\\) failed \\(SSL: "),
])
def test_whom_it_does_not_believe(make_server, origin, more, words):
    if "strangers" in more:
        server = make_server(f"{more} location / {{ courier 127.0.0.1:{origin.port}; }}", main=MAIN).start()
    else:
        server = front(make_server, origin.port, more)
    assert ask(server)[0] == 502
    assert re.search(words + '.* while SSL handshaking to upstream.*upstream: "https://127.0.0.1', server.log()), server.log()
    assert "GET" not in origin.log()


def test_the_systems_authorities_by_default(make_server, origin, monkeypatch):
    conf = f"courier_tls a.example; location / {{ courier 127.0.0.1:{origin.port}; }}"
    assert ask(make_server(conf, main=MAIN).start())[0] == 502
    monkeypatch.setenv("SSL_CERT_FILE", str(authority() / "ca.pem"))
    assert ask(make_server(conf, main=MAIN).start())[0] == 200


def test_verification_and_name_can_be_turned_off(make_server, origin):
    server = front(make_server, origin.port, "courier_tls c.example; courier_tls_verify off; courier_tls_sni off;")
    assert seen(server)["name"] == ""


def test_our_certificate_is_shown(make_server, origin):
    port = origin.extra_ports["PORT2"]
    ours = "courier_tls_certificate %TLS%/alice.pem; courier_tls_key %TLS%/alice.key;"
    assert seen(front(make_server, port, "courier_tls a.example;" + ours))["client"] == "CN=alice,O=weir tests"
    assert ask(front(make_server, port, "courier_tls a.example;"))[0] == 400
    locked = "courier_tls_certificate %TLS%/a.example.pem; courier_tls_key %TLS%/locked.key; courier_tls_password %TLS%/locked.pass;"
    assert ask(front(make_server, port, "courier_tls a.example;" + locked))[0] == 400     # read, and refused


def test_settings(make_server, origin):
    got = seen(front(make_server, origin.port, "courier_tls a.example; courier_tls_protocols TLSv1.2; "
                                               "courier_tls_ciphers ECDHE-ECDSA-CHACHA20-POLY1305;"))
    assert (got["protocol"], got["cipher"]) == ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305")
    got = seen(front(make_server, origin.port, "courier_tls a.example; courier_tls_commands Ciphersuites TLS_CHACHA20_POLY1305_SHA256;"))
    assert got["cipher"] == "TLS_CHACHA20_POLY1305_SHA256"


def test_connections_are_kept_with_their_name_and_settings(make_server, origin):
    server = front(make_server, origin.port, "courier_tls a.example; location /b { courier_tls b.example; "
                   f"courier 127.0.0.1:{origin.port}; }}", http="upstream app { server 127.0.0.1:1; }")
    first, again = seen(server), seen(server)
    assert first["connection"] == again["connection"]
    other = seen(server, "/b")
    assert other["connection"] != first["connection"] and other["name"] == "b.example"
    assert seen(server)["connection"] == first["connection"]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("reuse", ["on", "off"])
def test_sessions_are_used_again(make_server, origin, version, reuse):
    server = front(make_server, origin.port, f"courier_keep off; courier_tls a.example; courier_tls_protocols {version}; "
                                             f"courier_tls_session_reuse {reuse};")
    got = [seen(server)["reused"] for _ in range(4)]
    assert got == ([".", "r", "r", "r"] if reuse == "on" else ["."] * 4)


def test_sessions_of_one_server_are_not_anothers(make_server, origin):
    """Nor does a session that was made without verification serve where there is one."""
    server = front(make_server, origin.port, "courier_keep off; courier_tls a.example; "
                   f"location /b {{ courier_tls b.example; courier 127.0.0.1:{origin.port}; }} "
                   f"location /loose {{ courier_tls a.example; courier_tls_verify off; courier 127.0.0.1:{origin.port}; }}")
    assert seen(server, "/loose")["reused"] == "."
    assert seen(server)["reused"] == "."
    assert seen(server, "/b")["reused"] == "."
    assert [seen(server, p)["reused"] for p in ("/", "/b", "/loose")] == ["r", "r", "r"]


@pytest.mark.parametrize("conf, words", [
    ("courier_tls_trusted %TLS%/none;", "none"),
    ("courier_tls_certificate %TLS%/none; courier_tls_key %TLS%/none;", "cannot load certificate"),
    ("courier_tls_protocols TLSv9;", "no versions of TLS"),
    ("courier_tls_ciphers NONSENSE;", "SSL_CTX_set_cipher_list"),
    ("courier_tls_crl %TLS%/none;", "X509_load_crl_file"),
])
def test_mistakes_are_found_by_the_test(make_server, conf, words):
    server = make_server(f"location / {{ courier_tls a.example; {conf} courier 127.0.0.1:1; }}", main=MAIN)
    done = server.run("-t")
    assert done.returncode == 1 and words in done.stderr and "weir.conf:" in done.stderr, done.stderr


# ---- The proxy module's directives.

def proxied(make_server, origin, more="", to="https://127.0.0.1:{}", **rest):
    return make_server(f"{more} location / {{ proxy_pass {to.format(origin.port)}; }}", **rest).start()


def test_proxy_verifies_and_tells_the_name_by_default(make_server, origin, monkeypatch):
    assert ask(proxied(make_server, origin, "proxy_ssl_name a.example;"))[0] == 502
    server = proxied(make_server, origin, "proxy_ssl_name b.example; proxy_ssl_trusted_certificate %TLS%/ca.pem;")
    assert seen(server)["name"] == "b.example"
    monkeypatch.setenv("SSL_CERT_FILE", str(authority() / "ca.pem"))
    assert seen(proxied(make_server, origin, "proxy_ssl_name a.example;"))["name"] == "a.example"


@pytest.mark.parametrize("name", ["", ".example", "."])
def test_a_name_that_is_none_fits_no_certificate(make_server, origin, name):
    """A name of variables may come to nothing; that is no leave to believe every certificate.  [RFC 9110 4.3.4]"""
    server = proxied(make_server, origin, "proxy_ssl_name $arg_name; proxy_ssl_trusted_certificate %TLS%/ca.pem;")
    assert ask(server, f"/?name={name}")[0] == 502
    assert f'TLS for "{name}" cannot be begun' in server.log() and "GET" not in origin.log()
    assert ask(server, "/?name=a.example")[0] == 200


def test_a_names_last_dot_is_neither_told_nor_looked_for(make_server, origin):
    """[RFC 6066 3]"""
    server = proxied(make_server, origin, "proxy_ssl_name $arg_name; proxy_ssl_trusted_certificate %TLS%/ca.pem;", "https://app",
                     http=f"upstream app {{ server 127.0.0.1:{origin.port}; }}")
    first = seen(server, "/?name=b.example.")
    assert first["name"] == "b.example" and seen(server, "/?name=b.example")["connection"] == first["connection"]


def test_proxy_as_nginx_where_it_is_told_to(make_server, origin):
    assert seen(proxied(make_server, origin, main="compat nginx;"))["name"] == ""
    got = seen(proxied(make_server, origin, "proxy_ssl_verify off; proxy_ssl_server_name off;"))
    assert got["name"] == ""


def test_proxy_to_a_group_of_servers(make_server, origin):
    server = proxied(make_server, origin, "proxy_ssl_trusted_certificate %TLS%/ca.pem; proxy_ssl_name a.example;", "https://app",
                     http=f"upstream app {{ server 127.0.0.1:{origin.port}; }}")
    first = seen(server)
    assert first["name"] == "a.example" and seen(server)["connection"] == first["connection"]


# ---- Servers that lie.

def tls_origin(script):
    """An Origin whose connections speak TLS as a.example before script has them."""
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(authority() / "a.example.pem", authority() / "a.example.key")

    def wrapped(talk):
        try:
            talk.sock = settings.wrap_socket(talk.sock, server_side=True, suppress_ragged_eofs=False)
            script(talk)
        except (ssl.SSLError, OSError):
            pass

    return Origin(wrapped)


def test_a_body_that_ends_without_goodbye_is_no_whole_body(make_server):
    """Where the connection's end is the body's, TLS has to say that it is.  [RFC 9112 9.8]"""

    def whole(talk):
        talk.request()
        talk.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        talk.sock.unwrap()

    server = front(make_server, tls_origin(whole).port, "courier_tls a.example;")
    with Connection(server.port) as conn:
        assert conn.get("/").body == b"all of it"

    def cut_raw(talk):
        talk.request()
        talk.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of")
        talk.sock.shutdown(2)

    server = front(make_server, tls_origin(cut_raw).port, "courier_tls a.example;")
    with Connection(server.port) as conn:
        conn.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(AssertionError):         # chunked, and the last chunk never comes
            conn.response("GET")


def test_a_server_that_is_silent_in_the_handshake(make_server):
    def silent(talk):
        while talk.more():
            pass

    server = front(make_server, Origin(silent).port, "courier_timeout 500ms; courier_tls a.example;")
    assert ask(server)[0] in (502, 504)
    assert "upstream timed out" in server.log() and "SSL handshaking to upstream" in server.log()


@pytest.mark.parametrize("words", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"\x16\x03\x03\x40\x00" + b"\0" * 100, b""],
                         ids=["plain", "rubbish", "nothing"])
def test_a_server_that_does_not_speak_tls(make_server, words):
    def script(talk):
        talk.more()
        talk.send(words)

    server = front(make_server, Origin(script).port, "courier_tls a.example;")
    assert ask(server)[0] == 502
    assert "SSL handshaking to upstream" in server.log()


def test_large_bodies_both_ways(make_server):
    big = bytes(range(256)) * 8192

    def script(talk):
        while (request := talk.request()) is not None:
            body = request.partition(b"\r\n\r\n")[2]
            talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            talk.send(body)

    server = front(make_server, tls_origin(script).port, "client_max_body_size 10m; courier_tls a.example;")
    with Connection(server.port) as conn:
        for _ in range(3):
            assert conn.get("/", "POST", body=big).body == big
