"""https_redirect over both ways: where it leads, and what browsers are told.  [RFC 6797]"""

import pytest

from weir.tls import TlsConnection
from weir.wire import Connection

PAIR = "ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;"
BOTH = "listen 127.0.0.1:%PORT%; listen 127.0.0.1:%PORT2% ssl;"


@pytest.mark.parametrize("words, value", [
    ("on", "max-age=15552000"),
    ("on hsts=1y", "max-age=31536000"),
    ("on hsts=1y subdomains preload", "max-age=31536000; includeSubDomains; preload"),
    ("on hsts=off", None),
])
def test_one_line_in_one_block(make_server, words, value):
    server = make_server(f'{PAIR} server_name a.example; https_redirect {words}; location / {{ return 200 "ok"; }}',
                         {"f": b"file"}, listen=BOTH).start()
    tls = server.extra_ports["PORT2"]
    with Connection(server.port) as conn:
        answer = conn.get("/x", host="a.example")
        assert (answer.status, answer.get("Location")) == (301, f"https://a.example:{tls}/x")
        assert answer.get("Strict-Transport-Security") is None      # [RFC 6797 7.2]
    with TlsConnection(tls) as conn:
        answer = conn.get("/x", host="a.example")
        assert (answer.status, answer.get("Strict-Transport-Security")) == (200, value)


def test_the_port_is_that_of_the_server_of_the_same_name(make_server):
    server = make_server('server_name a.example; https_redirect on;', servers=[
        f'listen 127.0.0.1:%PORT2% ssl; {PAIR} server_name b.example;',
        f'listen 127.0.0.1:%PORT3% ssl; {PAIR} server_name a.example; https_redirect on; location / {{ return 200 "ok"; }}']).start()
    with Connection(server.port) as conn:
        assert conn.get("/", host="a.example").get("Location") == f"https://a.example:{server.extra_ports['PORT3']}/"
    with TlsConnection(server.extra_ports["PORT3"]) as conn:
        assert conn.get("/", host="a.example").all("Strict-Transport-Security") == ["max-age=15552000"]


def test_a_field_of_the_sites_own_stays(make_server):
    server = make_server(f'{PAIR} https_redirect on; add_header Strict-Transport-Security max-age=1; location / {{ return 200 "ok"; }}',
                         listen=BOTH).start()
    with TlsConnection(server.extra_ports["PORT2"]) as conn:
        assert conn.get("/", host="a.example").all("Strict-Transport-Security") == ["max-age=1"]
