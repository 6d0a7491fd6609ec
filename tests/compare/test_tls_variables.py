"""What a client's handshake says, in weir's variables and in nginx's, equally configured: the same.  [nginx ngx_http_ssl_module]"""

import re
from pathlib import Path

import pytest
import weir.server as servers

from weir.tls import V12, V13, TlsConnection, context

NGINX = "/usr/sbin/nginx"
NAMES = ("cipher ciphers curve curves early_data protocol server_name session_id session_reused alpn_protocol client_cert "
         "client_escaped_cert client_fingerprint client_i_dn client_i_dn_legacy client_raw_cert client_s_dn client_s_dn_legacy "
         "client_serial client_v_end client_v_remain client_v_start client_verify").split()
OURS = {"session_id"}                   # drawn by chance
pytestmark = [pytest.mark.weir_only, pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed")]
CONF = ("ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key; ssl_verify_client optional; "
        "ssl_client_certificate %TLS%/clients.pem; ssl_verify_depth 2; ssl_ecdh_curve X25519:prime256v1:secp384r1; "
        "ssl_prefer_server_ciphers off; ssl_protocols TLSv1.2 TLSv1.3; error_page 495 496 =200 /say; server_name a.example; "
        'location / { return 200 "' + "".join(f"{n}=$ssl_{n};\n" for n in NAMES) + '"; }')


@pytest.fixture
def both(make_server):
    """(weir, nginx)"""
    ours = make_server(CONF, listen="listen 127.0.0.1:%PORT% ssl;").start()
    binary, servers.BINARY = servers.BINARY, NGINX
    flavour, servers.FLAVOUR = servers.FLAVOUR, "nginx"
    try:
        theirs = make_server(CONF, listen="listen 127.0.0.1:%PORT% ssl;").start()
    finally:
        servers.BINARY, servers.FLAVOUR = binary, flavour
    return ours, theirs


def said(server, c, name="a.example", session=None):
    with TlsConnection(server.port, name, c, session=session) as conn:
        answer = conn.get("/")
        facts = dict(re.findall(r"(\w+)=(.*?);\n", answer.body.decode(), re.S))
        return facts | {"who": answer.get("Server").split("/")[0]}, conn.session


@pytest.mark.parametrize("version", [V12, V13, None])
@pytest.mark.parametrize("client", [None, "alice", "carol", "mallory"])
def test_variables_are_nginxs(both, version, client):
    seen = []
    for server in both:
        c = context(version, client, alpn=["http/1.1"])
        first, session = said(server, c)
        again, _ = said(server, c, session=session)
        unnamed, _ = said(server, context(version, client, verify=False), None)
        seen.append((first, again, unnamed))
    for ours, theirs in zip(*seen):
        assert (ours.pop("who"), theirs.pop("who")) == ("weir", "nginx")
        assert set(ours) == set(theirs) == set(NAMES)
        wrong = {n: (ours[n], theirs[n]) for n in NAMES if n not in OURS and ours[n] != theirs[n]}
        assert not wrong
