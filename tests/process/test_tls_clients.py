"""Clients' certificates: who is let in, and what is known of them.  [nginx ssl_verify_client]"""

import hashlib
import ssl
import subprocess
import urllib.parse

import pytest

from weir.authority import authority
from weir.tls import V12, V13, TlsConnection, context

LISTEN = "listen 127.0.0.1:%PORT% ssl;"
PAIR = "ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;"
CLIENTS = "ssl_client_certificate %TLS%/clients.pem;"


def one_site(make_server, more, say="$ssl_client_verify"):
    return make_server(f'{PAIR}{more} location / {{ return 200 "{say}"; }}', listen=LISTEN).start()


def ask(server, client, version=V13):
    with TlsConnection(server.port, with_context=context(version, client)) as conn:
        answer = conn.get("/")
        return answer.status, answer.body.decode()


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("conf, client, status, body", [
    ("ssl_verify_client on;" + CLIENTS, "alice", 200, "SUCCESS"),
    ("ssl_verify_client on;" + CLIENTS, None, 400, "No required SSL certificate was sent"),
    ("ssl_verify_client on;" + CLIENTS, "mallory", 400, "The SSL certificate error"),
    ("ssl_verify_client on; ssl_trusted_certificate %TLS%/clients.pem;", "alice", 200, "SUCCESS"),
    ("ssl_verify_client optional;" + CLIENTS, None, 200, "NONE"),
    ("ssl_verify_client optional;" + CLIENTS, "alice", 200, "SUCCESS"),
    ("ssl_verify_client optional;" + CLIENTS, "mallory", 400, "The SSL certificate error"),
    ("ssl_verify_client optional_no_ca;" + CLIENTS, "mallory", 200, "FAILED:"),
    ("ssl_verify_client optional_no_ca;", "mallory", 200, "FAILED:"),
    ("ssl_verify_client off;" + CLIENTS, "alice", 200, "NONE"),
    ("ssl_verify_client on; ssl_crl %TLS%/crl.pem;" + CLIENTS, "alice", 200, "SUCCESS"),
    ("ssl_verify_client on; ssl_crl %TLS%/crl.pem;" + CLIENTS, "bob", 400, "The SSL certificate error"),
    ("ssl_verify_client on;" + CLIENTS, "carol", 200, "SUCCESS"),
    ("ssl_verify_client on; ssl_verify_depth 0;" + CLIENTS, "alice", 200, "SUCCESS"),
    ("ssl_verify_client on; ssl_verify_depth 0;" + CLIENTS, "carol", 400, "The SSL certificate error"),
])
def test_who_is_let_in(make_server, version, conf, client, status, body):
    server = one_site(make_server, conf)
    got = ask(server, client, version)
    assert got[0] == status and body in got[1], got


def test_pages_of_refusals(make_server):
    server = make_server(f"{PAIR}{CLIENTS} ssl_verify_client on; error_page 495 496 =403 /sorry; "
                         'location / { return 200 "in"; } location = /sorry { return 403 "sorry $ssl_client_verify"; }',
                         listen=LISTEN).start()
    assert ask(server, None) == (403, "sorry NONE")
    assert ask(server, "mallory")[1].startswith("sorry FAILED:")
    assert ask(server, "alice") == (200, "in")


def test_names_of_authorities_are_told(make_server):
    told = one_site(make_server, "ssl_verify_client on;" + CLIENTS)
    kept = one_site(make_server, "ssl_verify_client on; ssl_trusted_certificate %TLS%/clients.pem;")
    for server, yes in ((told, True), (kept, False)):
        said = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}"], input=b"",
                              capture_output=True, timeout=15).stdout.decode()
        assert ("CN = clients" in said) == yes


@pytest.mark.parametrize("version", [V12, V13])
def test_what_is_known_of_a_client(make_server, version):
    names = "s_dn s_dn_legacy i_dn i_dn_legacy serial fingerprint v_start v_end v_remain sigalg verify".split()
    server = one_site(make_server, "ssl_verify_client on;" + CLIENTS, "|".join(f"$ssl_client_{n}" for n in names))
    got = dict(zip(names, ask(server, "alice", version)[1].split("|")))
    pem = (authority() / "alice.pem").read_text()
    der = ssl.PEM_cert_to_DER_cert(pem)
    said = subprocess.run(["openssl", "x509", "-noout", "-serial", "-dates"], input=pem.encode(),
                          capture_output=True).stdout.decode()
    facts = dict(line.split("=", 1) for line in said.splitlines())
    assert got["s_dn"] == "CN=alice,O=weir tests" and got["s_dn_legacy"] == "/O=weir tests/CN=alice"
    assert got["i_dn"] == "CN=clients,O=weir tests" and got["i_dn_legacy"] == "/O=weir tests/CN=clients"
    assert got["serial"] == facts["serial"]
    assert got["fingerprint"] == hashlib.sha1(der).hexdigest()
    assert (got["v_start"], got["v_end"]) == (facts["notBefore"], facts["notAfter"])
    assert got["v_remain"] in ("28", "29", "30")
    assert got["sigalg"] == "ecdsa_secp256r1_sha256"
    assert got["verify"] == "SUCCESS"


def test_the_clients_certificate_itself(make_server):
    server = one_site(make_server, "ssl_verify_client on;" + CLIENTS,
                      "$ssl_client_raw_cert|$ssl_client_cert|$ssl_client_escaped_cert")
    raw, field, escaped = ask(server, "alice")[1].split("|")
    pem = (authority() / "alice.pem").read_text()
    pem = pem[pem.index("-----BEGIN"):]
    assert raw == pem
    assert field.replace("\n\t", "\n") + "\n" == pem
    assert urllib.parse.unquote(escaped) == pem and not set(escaped) & set("+/ \n=")


@pytest.mark.parametrize("version", [V12, V13])
def test_a_resumed_session_remembers_its_client(make_server, version):
    server = one_site(make_server, "ssl_verify_client on;" + CLIENTS, "$ssl_client_s_dn $ssl_client_verify")
    c = context(version, "alice")
    with TlsConnection(server.port, with_context=c) as conn:
        first, session = conn.get("/").body, conn.session
    with TlsConnection(server.port, with_context=c, session=session) as conn:
        assert conn.get("/").body == first == b"CN=alice,O=weir tests SUCCESS"
        assert conn.reused


@pytest.mark.parametrize("verify, status", [
    ("ssl_verify_client on;" + CLIENTS, 421),
    ("ssl_verify_client optional;" + CLIENTS, 421),
    ("ssl_verify_client off;" + CLIENTS, 200),
])
@pytest.mark.parametrize("sni", ["a.example", "b.example"])
def test_a_server_without_a_certificate_is_not_reached_around_what_it_asks(make_server, sni, verify, status):
    """The default server's certificate is shown for it, and asks for nothing."""
    server = make_server(f'{PAIR} server_name a.example; location / {{ return 200 a; }}', listen=LISTEN,
                         servers=[f"{LISTEN} server_name b.example; {verify} location / {{ return 200 b; }}"]).start()
    with TlsConnection(server.port, sni, context(V13, "alice", verify=False)) as conn:
        assert conn.get("/", host="a.example").status == 200
        assert conn.get("/", host="b.example").status == status


def test_a_server_without_a_certificate_may_ask_what_the_default_asks(make_server):
    server = make_server(f'{PAIR} server_name a.example; location / {{ return 200 a; }}', listen=LISTEN,
                         http=f"ssl_verify_client on; {CLIENTS}",
                         servers=[f'{LISTEN} server_name b.example; location / {{ return 200 "$ssl_client_verify"; }}']).start()
    for client, status in (("alice", 200), (None, 400)):
        with TlsConnection(server.port, "b.example", context(V13, client, verify=False)) as conn:
            assert conn.get("/", host="b.example").status == status
