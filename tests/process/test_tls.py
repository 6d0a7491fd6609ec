"""TLS to clients: names, certificates, records, and those who speak it badly.  [nginx ngx_http_ssl_module; reliability 3]"""

import socket
import ssl
import subprocess
import time

import pytest

from weir.authority import authority
from weir.server import BINARY, status_kb, wait_for
from weir.tls import V12, V13, Memory, TlsConnection, context, s_client
from weir.wire import Connection

SANITIZED = "san" in BINARY
LISTEN = "listen 127.0.0.1:%PORT% ssl;"
OK = 'location / { return 200 "ok"; }'


def site(name, files=None, more=""):
    files = files or name
    return (f"listen 127.0.0.1:%PORT% ssl; server_name {name}; ssl_certificate %TLS%/{files}.pem; "
            f"ssl_certificate_key %TLS%/{files}.key; {more}"
            'location / { return 200 "$server_name $ssl_server_name $scheme $https"; }')


def one_site(make_server, more=OK, **rest):
    return make_server(f"ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key; {more}",
                       listen=LISTEN, **rest)


def says(server, conf):
    """What -t says of the default server's conf."""
    server.configure(server.text.replace("#HERE#", conf))
    done = server.run("-t")
    return done.returncode, done.stderr + done.stdout


# ---- Names and certificates.

@pytest.fixture
def names(make_server):
    return make_server(site("a.example"), listen="", servers=[
        site("b.example"), site("*.wild.example", "wild.example"), site("rsa.example"),
        site('"~^(?<who>.+)\\.localhost$"', "localhost")]).start()


def ask_name(server, name, path="/", host=None, **rest):
    with TlsConnection(server.port, name, **rest) as conn:
        return conn.peer, conn.get(path, host=host or name or "a.example").body.decode()


def test_server_is_found_by_the_name_asked_for(names):
    assert ask_name(names, "a.example") == ("a.example", "a.example a.example https on")
    assert ask_name(names, "b.example") == ("b.example", "b.example b.example https on")
    assert ask_name(names, "rsa.example")[0] == "rsa.example"
    assert ask_name(names, "x.wild.example") == ("wild.example", "*.wild.example x.wild.example https on")


def test_names_are_found_in_letters_of_either_case_and_by_expressions(names):
    assert ask_name(names, "B.Example", host="b.example")[0] == "b.example"
    assert ask_name(names, "x.localhost", with_context=unchecked()) == (
        "localhost", r"~^(?<who>.+)\.localhost$ x.localhost https on")


def test_a_server_found_by_an_expression_has_its_own_way_to_verify(make_server):
    server = one_site(make_server, OK + "ssl_verify_client on; ssl_client_certificate %TLS%/clients.pem;",
                      servers=[site('"~^(?<who>.+)\\.localhost$"', "localhost")]).start()
    assert ask_name(server, "x.localhost", with_context=unchecked())[0] == "localhost"
    with TlsConnection(server.port, "x.localhost", unchecked()) as conn:
        assert conn.get("/", host="x.localhost").status == 200


def unchecked():
    c = context()
    c.check_hostname = False
    return c


def test_no_name_and_unknown_names_get_the_default_server(names):
    assert ask_name(names, None)[0] == "a.example"
    assert ask_name(names, "nobody.example", host="a.example", with_context=unchecked())[0] == "a.example"


@pytest.mark.parametrize("version", [V12, V13])
def test_both_versions_are_spoken(names, version):
    with TlsConnection(names.port, "a.example", context(version)) as conn:
        assert conn.get("/").status == 200
        assert conn.sock.version() == ("TLSv1.2" if version == V12 else "TLSv1.3")


def test_older_versions_and_weak_ciphers_are_refused_by_default(make_server):
    server = one_site(make_server).start()
    for words in (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
                  ["-tls1_2", "-cipher", "AES128-SHA"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
                  ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"]):
        said = s_client(server, *words)
        assert "alert" in said and "Cipher is (NONE)" in said, (words, said)


def test_the_certificate_fits_the_client(make_server):
    """Of an ECDSA and an RSA certificate each client gets the one it can check."""
    server = one_site(make_server, "ssl_certificate %TLS%/a.example-rsa.pem; "
                                   "ssl_certificate_key %TLS%/a.example-rsa.key;" + OK).start()
    assert "ECDHE-ECDSA" in s_client(server, "-tls1_2", "-cipher", "aECDSA")
    assert "ECDHE-RSA" in s_client(server, "-tls1_2", "-cipher", "aRSA")
    assert "RSA-PSS" in s_client(server, "-sigalgs", "rsa_pss_rsae_sha256")


def test_certificates_given_as_text(make_server):
    pem = (authority() / "a.example.pem").read_text().replace("\n", "\\n")
    key = (authority() / "a.example.key").read_text().replace("\n", "\\n")
    server = make_server(f'ssl_certificate "data:{pem}"; ssl_certificate_key "data:{key}";' + OK, listen=LISTEN).start()
    assert ask_name(server, "a.example") == ("a.example", "ok")


def test_key_under_a_passphrase(make_server):
    server = make_server("ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/locked.key; "
                         "ssl_password_file %TLS%/locked.pass;" + OK, listen=LISTEN).start()
    assert ask_name(server, "a.example") == ("a.example", "ok")


@pytest.mark.parametrize("cache", ["", "ssl_certificate_cache off;", "ssl_certificate_cache max=2 inactive=20s valid=1m;"])
def test_names_of_certificates_with_variables(make_server, cache):
    server = make_server("server_name a.example; ssl_certificate %TLS%/$ssl_server_name.pem; "
                         f"ssl_certificate_key %TLS%/$ssl_server_name.key; {cache}" + OK, listen=LISTEN).start()
    for name in ("a.example", "b.example", "rsa.example", "a.example"):
        assert ask_name(server, name) == (name, "ok")
    with pytest.raises(ssl.SSLError):
        ask_name(server, "nobody.example")
    assert "cannot load certificate" in server.log()


def test_refused_handshakes(make_server):
    server = make_server("ssl_reject_handshake on;", listen=LISTEN.replace("ssl", "ssl default_server"),
                         servers=[site("a.example")]).start()
    assert ask_name(server, "a.example")[0] == "a.example"
    for name in ("b.example", None):
        with pytest.raises(ssl.SSLError, match="unrecognized name|UNRECOGNIZED_NAME"):
            ask_name(server, name)
    with TlsConnection(server.port, "a.example") as conn:   # nor is that server reached by its name
        assert conn.get("/", host="a.example").status == 200
        assert conn.get("/", host="other.example").status == 421


@pytest.mark.parametrize("conf, words", [
    ("ssl_certificate %TLS%/none.pem; ssl_certificate_key %TLS%/a.example.key;", 'cannot load certificate ".*none.pem": BIO_new_file'),
    ("ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/none.key;", 'cannot load certificate key ".*none.key": BIO_new_file'),
    ("ssl_certificate %TLS%/a.example.key; ssl_certificate_key %TLS%/a.example.key;", "PEM_read_bio_X509"),
    ("ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/b.example.key;", "key values mismatch"),
    ("ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/locked.key;", "PEM_read_bio_PrivateKey"),
    ("ssl_certificate %TLS%/a.example.pem;", 'no "ssl_certificate_key" is defined for certificate'),
    ("", 'no "ssl_certificate" is defined for the "listen ... ssl" directive'),
    ("ssl_certificate %TLS%/weak.example.pem; ssl_certificate_key %TLS%/weak.example.key;", "too weak"),
    ("GOOD ssl_ciphers NONSENSE;", r'SSL_CTX_set_cipher_list\("NONSENSE"\) failed'),
    ("GOOD ssl_ecdh_curve P-999;", r'SSL_CTX_set1_curves_list\("P-999"\) failed'),
    ("GOOD ssl_dhparam %TLS%/none;", "none"),
    ("GOOD ssl_conf_command Nonsense yes;", r'SSL_CONF_cmd\("Nonsense", "yes"\) failed'),
    ("GOOD ssl_verify_client on;", "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client"),
    ("GOOD ssl_verify_client on; ssl_client_certificate %TLS%/none;", "none"),
    ("GOOD ssl_verify_client on; ssl_client_certificate %TLS%/clients.pem; ssl_crl %TLS%/none;", "none"),
    ("GOOD ssl_crl %TLS%/none;", "none"),               # read although nobody is verified, as in nginx
    ("GOOD ssl_session_ticket_key %TLS%/a.example.pem;", "must be 48 or 80 bytes"),
    ("GOOD ssl_stapling on; ssl_stapling_file %TLS%/a.example.pem;", "ssl_stapling_file|d2i_OCSP_RESPONSE"),
    ("GOOD ssl_session_cache shared:small:8k;", "too small"),
    ("GOOD ssl_session_cache shared:none;", "nowhere given a size"),
    ("GOOD ssl_session_cache nonsense;", 'invalid session cache "nonsense"'),
    ("GOOD ssl_password_file %TLS%/none;", r'open\(\) ".*none" failed'),
    ("GOOD ssl_certificate_cache inactive=1s;", 'must have the "max" parameter'),
    ("GOOD ssl_buffer_size 100;", "at least 512"),
])
def test_mistakes_are_found_by_the_test(make_server, conf, words):
    conf = conf.replace("GOOD", "ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;")
    server = make_server(conf + OK, listen=LISTEN)
    done = server.run("-t")
    assert done.returncode == 1
    import re
    assert re.search(words, done.stderr), done.stderr
    assert "weir.conf:" in done.stderr


@pytest.mark.parametrize("conf, words", [
    ("ssl_early_data on;", "ssl_early_data.*has no effect"),
    ("ssl_certificate_compression on;", "not supported on this platform"),
    ("ssl_ech_file x;", "not supported on this platform"),
    ("ssl_ocsp off; ssl_ocsp_responder http://127.0.0.1/; ssl_ocsp_cache off;", "successful"),
])
def test_what_is_accepted_without_effect_is_warned_of(make_server, conf, words):
    server = one_site(make_server, conf + OK)
    done = server.run("-t")
    assert done.returncode == 0, done.stderr
    import re
    assert re.search(words, done.stderr), done.stderr


# ---- Settings that the other side sees.

def test_settings_of_the_protocol(make_server):
    server = one_site(make_server, "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:"
                                   "ECDHE-ECDSA-AES128-GCM-SHA256; ssl_prefer_server_ciphers on; "
                                   "ssl_ecdh_curve secp384r1;" + OK).start()
    said = s_client(server, "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    assert "TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384" in said
    assert "ECDH, secp384r1, 384 bits" in said or "P-384" in said
    assert "Cipher is (NONE)" in s_client(server, "-tls1_3")


AES128, AES256, CHACHA = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"
SUITE128, SUITE256, SUITE_CHACHA = "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"


@pytest.mark.parametrize("more, offered, chosen", [
    ("", (AES256, AES128, CHACHA), AES128),             # ours, whatever the client would like best
    ("", (AES128, AES256), AES128),
    ("", (CHACHA, AES256, AES128), CHACHA),             # without AES in its processor, that is
    ("", (SUITE256, SUITE128, SUITE_CHACHA), SUITE128),
    ("", (SUITE_CHACHA, SUITE128), SUITE_CHACHA),
    ("ssl_prefer_server_ciphers off;", (AES256, AES128), AES256),
    ("ssl_prefer_server_ciphers off;", (SUITE256, SUITE128), SUITE256),
])
def test_the_server_chooses_the_cipher(make_server, more, offered, chosen):
    server = one_site(make_server, more + OK).start()
    new = offered[0].startswith("TLS_")
    said = s_client(server, *(("-tls1_3", "-ciphersuites") if new else ("-tls1_2", "-cipher")), ":".join(offered))
    assert f"Cipher is {chosen}\n" in said, said


def test_nginxs_order_has_no_exception_for_chacha(make_server):
    server = one_site(make_server, "ssl_prefer_server_ciphers on;" + OK, main="compat nginx;").start()
    assert f"Cipher is {AES256}\n" in s_client(server, "-tls1_2", "-cipher", f"{CHACHA}:{AES256}")


def test_settings_of_one_site_are_not_the_others(make_server):
    """What a connection is made with is the site's that it names, not the default server's."""
    server = make_server(site("a.example", more="ssl_protocols TLSv1.3;"), listen="", servers=[
        site("b.example", more="ssl_protocols TLSv1.2; ssl_ecdh_curve secp521r1; ssl_session_tickets off;")]).start()
    assert "TLSv1.3" in s_client(server, "-servername", "a.example")
    assert "Cipher is (NONE)" in s_client(server, "-servername", "a.example", "-tls1_2")
    said = s_client(server, "-servername", "b.example")
    assert "New, TLSv1.2" in said and "secp521r1" in said and "session ticket" not in said
    assert "Cipher is (NONE)" in s_client(server, "-servername", "b.example", "-tls1_3")


def test_dhe_works_with_parameters_and_not_without(make_server):
    rsa = "ssl_certificate %TLS%/rsa.example.pem; ssl_certificate_key %TLS%/rsa.example.key; ssl_ciphers ALL;"
    server = make_server(rsa + "ssl_dhparam %TLS%/dh.pem;" + OK, listen=LISTEN, servers=[
        LISTEN.replace("PORT", "PORT2") + rsa + OK]).start()
    dhe = ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"]
    assert "Cipher is DHE-RSA-AES128-GCM-SHA256" in s_client(server, *dhe)
    assert "Cipher is (NONE)" in s_client(server, *dhe, port=server.extra_ports["PORT2"])


def test_commands_of_openssl(make_server):
    server = one_site(make_server, "ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256; "
                                   "ssl_conf_command MaxProtocol TLSv1.3;" + OK).start()
    assert "Cipher is TLS_CHACHA20_POLY1305_SHA256" in s_client(server)
    assert "Cipher is (NONE)" in s_client(server, "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-tls1_3")


def test_stapled_response_of_a_file(make_server):
    server = one_site(make_server, "ssl_stapling on; ssl_stapling_file %TLS%/ocsp.der;" + OK).start()
    assert "OCSP Response Status: successful" in s_client(server, "-status")
    plain = one_site(make_server).start()
    assert "OCSP response: no response sent" in s_client(plain, "-status")


def test_protocol_above_is_agreed_on(make_server):
    server = one_site(make_server, 'location / { return 200 "$ssl_alpn_protocol"; }').start()
    with TlsConnection(server.port, with_context=context(alpn=["spdy/1", "http/1.1"])) as conn:
        assert conn.sock.selected_alpn_protocol() == "http/1.1"
        assert conn.get("/").body == b"http/1.1"
    with pytest.raises(ssl.SSLError):           # [RFC 7301 3.2]
        TlsConnection(server.port, with_context=context(alpn=["nonsense"]))


# ---- Bytes.

BIG = bytes(range(256)) * 4096 * 3


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("more", ["", "ssl_buffer_size 1400;", "sendfile on;"])
def test_large_files_arrive_whole(make_server, version, more):
    server = one_site(make_server, more, files={"big": BIG, "small": b"s"}).start()
    with TlsConnection(server.port, with_context=context(version)) as conn:
        assert conn.get("/big").body == BIG
        assert conn.get("/small").body == b"s"
        assert conn.get("/big", fields=["Range: bytes=5-2000004"]).body == BIG[5:2000005]


def test_records_are_as_long_as_ssl_buffer_size(make_server):
    server = one_site(make_server, "ssl_buffer_size 1400; location / { }", files={"f": b"x" * 30_000}).start()
    client = Memory(server.port)
    client.handshake()
    client.tls.write(b"GET /f HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
    client.sock.sendall(client.take())
    raw, lengths = b"", []
    while data := client.sock.recv(65536):
        raw += data
    client.close()
    while raw:
        lengths.append(int.from_bytes(raw[3:5], "big"))
        raw = raw[5 + lengths[-1]:]
    assert sum(lengths) > 30_000 and 1400 < max(lengths) <= 1400 + 256      # [RFC 8446 5.2]


def test_pipelined_answers_come_in_order_in_few_records(make_server):
    server = one_site(make_server, "", files={f"f{i}": b"%d" % i for i in range(50)}).start()
    with TlsConnection(server.port) as conn:
        conn.send(b"".join(b"GET /f%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(50)))
        assert [conn.response().body for _ in range(50)] == [b"%d" % i for i in range(50)]


def test_bodies_of_requests(make_server):
    server = one_site(make_server, 'client_max_body_size 10m; location / { return 200 "$request_length"; }').start()
    with TlsConnection(server.port) as conn:
        assert conn.get("/", "POST", body=b"x" * 3000000).status == 200
        assert conn.get("/", "POST", body=b"y").status == 200


def test_a_client_that_reads_slowly_gets_all(make_server):
    server = one_site(make_server, "", files={"big": BIG}).start()
    with TlsConnection(server.port) as conn:
        conn.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        got = b""
        while len(got) < 2 * len(BIG):
            got += conn.sock.recv(3000)
        assert got.count(b"HTTP/1.1 200") == 2


def test_records_of_one_byte(make_server):
    server = one_site(make_server).start()
    client = Memory(server.port)
    client.handshake()
    for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3:
        client.tls.write(bytes([byte]))
        client.sock.sendall(client.take())
    got = b""
    while got.count(b"\r\n\r\nok") < 3:
        more = client.read()
        assert more
        got += more
    client.close()


def test_handshake_byte_by_byte_and_request_with_its_end(make_server):
    """What comes with the handshake's last byte is read at once: no further event will tell of it."""
    server = one_site(make_server).start()
    client = Memory(server.port)
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    flights = []

    def send(data):
        flights.append(data)
        if len(flights) == 1:
            for i in range(len(data)):
                client.sock.sendall(data[i:i + 1])

    client.handshake(send)                      # the last flight is still ours
    client.tls.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.sock.sendall(flights[-1] + client.take())
    assert client.read().startswith(b"HTTP/1.1 200")
    client.close()


@pytest.mark.parametrize("length", [1, 100, 16384])
def test_a_large_hello_in_records_of_any_length(make_server, length):
    """As many protocols as its extension has room for, and ours the last.  [RFC 8446 5.1, RFC 7301 3.1]"""
    server = one_site(make_server).start()
    protocols = [f"{i:0250}" for i in range(255)] + ["http/1.1"]
    client = Memory(server.port, with_context=context(alpn=protocols))
    flights = []

    def send(data):
        if not flights:
            hello = b""
            while data:
                end = 5 + int.from_bytes(data[3:5], "big")
                hello, data = hello + data[5:end], data[end:]
            assert len(hello) > 64000
            pieces = [hello[i:i + length] for i in range(0, len(hello), length)]
            data = b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece for piece in pieces)
        flights.append(data)
        client.sock.sendall(data)

    client.handshake(send)
    assert client.tls.selected_alpn_protocol() == "http/1.1"
    client.tls.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.sock.sendall(client.take())
    assert client.read().startswith(b"HTTP/1.1 200")
    client.close()


@pytest.mark.parametrize("version", [V12, V13])
def test_the_end_is_announced(make_server, version):
    """close_notify comes before the connection ends, so that a body until the end cannot be cut unseen."""
    server = one_site(make_server).start()
    with TlsConnection(server.port, with_context=context(version)) as conn:
        conn.context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF if hasattr(ssl, "OP_IGNORE_UNEXPECTED_EOF") else -1
        conn.sock.suppress_ragged_eofs = False
        conn.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        data = b""
        while True:
            more = conn.sock.recv(4096)
            if not more:
                break
            data += more
        assert data.endswith(b"ok")


def test_behind_a_proxy_header(make_server):
    server = make_server("ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key; "
                         'location / { return 200 "$proxy_protocol_addr $ssl_server_name"; }',
                         listen=LISTEN.replace("ssl", "ssl proxy_protocol")).start()
    with TlsConnection(server.port, before=b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n") as conn:
        assert conn.get("/").body == b"192.0.2.1 a.example"
    client = Memory(server.port)                # header and hello in one piece
    first = []

    def send(data):
        client.sock.sendall((b"" if first else b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n") + data)
        first.append(1)

    client.handshake(send)
    client.tls.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.sock.sendall(client.take())
    assert b"192.0.2.1 a.example" in client.read()
    client.close()


# ---- Those who do not speak it, or badly.

def test_plain_http_on_a_tls_port(make_server):
    server = one_site(make_server).start()
    with Connection(server.port) as conn:
        answer = conn.get("/x")
        assert answer.status == 400 and answer.body == (
            b"<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n<body>\r\n"
            b"<center><h1>400 Bad Request</h1></center>\r\n<center>The plain HTTP request was sent to HTTPS port</center>\r\n"
            b"<hr><center>weir</center>\r\n</body>\r\n</html>\r\n")
        conn.expect_closed()
    with Connection(server.port) as conn:       # however it comes
        conn.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", piece=1)
        assert conn.response("GET").status == 400
    wait_for("the line", lambda: "client sent plain HTTP request to HTTPS port while reading client "
                                  "request headers, client: 127.0.0.1, " in server.log())


def test_who_fails_in_a_handshake_is_named(make_server):
    server = one_site(make_server).start()
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(b"\x16\x03\x01\x00\x05hello")
        while sock.recv(4096):
            pass
    line = f"while SSL handshaking, client: 127.0.0.1, server: 127.0.0.1:{server.port}"
    wait_for("the line", lambda: line in server.log())


def test_plain_http_may_be_sent_elsewhere(make_server):
    server = one_site(make_server, "error_page 497 =301 https://$host:$server_port$request_uri;" + OK).start()
    with Connection(server.port) as conn:
        answer = conn.get("/x?y", host="a.example")
        assert (answer.status, answer.get("Location")) == (301, f"https://a.example:{server.port}/x?y")


@pytest.mark.parametrize("rubbish", [b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01\x00\x02" + b"\0" * 40,
                                     b"\0" * 600, b"\x17\x03\x03\x00\x01x", b"\x16"],
                         ids=["long", "short", "old", "zeros", "early", "one"])
def test_rubbish_ends_the_connection_and_nothing_else(make_server, rubbish):
    server = one_site(make_server).start()
    with Connection(server.port) as conn:
        conn.send(rubbish, methods=[])
        conn.sock.shutdown(socket.SHUT_WR)
        while conn.fill():
            pass
    assert ask_name(server, "a.example") == ("a.example", "ok")


def test_renegotiation_is_refused(make_server):
    server = one_site(make_server).start()
    said = s_client(server, "-tls1_2", "-legacy_renegotiation", stdin="R\n")
    assert "no renegotiation" in said or "handshake failure" in said, said
    assert ask_name(server, "a.example") == ("a.example", "ok")


def test_a_slow_handshake_is_cut(make_server):
    server = one_site(make_server, "client_header_timeout 1s;" + OK).start()
    begin = time.monotonic()
    client = Memory(server.port)
    try:
        client.tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = client.take()
    client.sock.sendall(hello[:50])
    client.sock.settimeout(30)              # half of the default
    assert client.sock.recv(100) == b""
    assert time.monotonic() - begin > 0.9
    client.close()


def test_handshake_and_head_have_one_deadline(make_server):
    server = one_site(make_server, "client_header_timeout 2s;" + OK).start()
    begin = time.monotonic()
    with TlsConnection(server.port) as conn:
        conn.sock.sendall(b"GET / HT")
        assert conn.response("GET").status == 408
    assert 1.9 < time.monotonic() - begin < 30


def test_keys_are_updated_when_the_client_asks(make_server):
    """[RFC 8446 4.6.3]"""
    server = one_site(make_server).start()
    client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_3"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = b""

    def until(words):
        nonlocal said
        while words not in said:
            more = client.stdout.read1(65536)
            assert more, said
            said += more
        said = said.partition(words)[2]

    for _ in range(3):
        client.stdin.write(b"K\n")
        client.stdin.flush()
        until(b"KEYUPDATE")
    client.stdin.write(b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
    client.stdin.flush()
    until(b"\r\n\r\nok")
    client.kill()
    client.wait()


def test_handshakes_are_counted(make_server):
    server = one_site(make_server, OK + " location /metrics { metrics prometheus; }").start()
    c = context(V13)
    with TlsConnection(server.port, with_context=c) as conn:
        conn.get("/")
        session = conn.session
    with TlsConnection(server.port, with_context=c, session=session) as conn:
        conn.get("/")
    with pytest.raises(ssl.SSLError):
        TlsConnection(server.port, with_context=context(alpn=["nonsense"]))
    with TlsConnection(server.port) as conn:
        text = conn.get("/metrics").body.decode()
    for result, count in (("full", 2), ("resumed", 1), ("failed", 1)):
        assert f'weir_tls_handshakes_total{{result="{result}"}} {count}\n' in text, text


# ---- HTTP/2 above.

def test_http2_is_agreed_on_where_it_is_on(make_server):
    server = make_server(site("a.example", more="http2 on;"), listen="", servers=[site("b.example")],
                         files={"big": BIG}).start()
    for name, want in (("a.example", "h2"), ("b.example", "http/1.1")):
        with TlsConnection(server.port, name, context(alpn=["h2", "http/1.1"])) as conn:
            assert conn.sock.selected_alpn_protocol() == want
    done = subprocess.run(["curl", "-sS", "--http2", "--cacert", authority() / "ca.pem", "--resolve",
                           f"a.example:{server.port}:127.0.0.1", "-w", "|%{http_version}",
                           f"https://a.example:{server.port}/"], capture_output=True, timeout=20)
    assert done.stdout == b"a.example a.example https on|2", done.stderr


def test_http2_is_not_begun_by_a_preface_over_tls(make_server):
    """[RFC 9113 3.2]"""
    server = one_site(make_server, "http2 on;" + OK).start()
    with TlsConnection(server.port) as conn:
        conn.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", methods=[b"PRI"])
        assert conn.response("PRI").status in (400, 505)
    with Connection(server.port) as conn:       # nor plainly where TLS is spoken
        conn.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", methods=[b"PRI"])
        assert conn.response("PRI").status in (400, 505)


def test_large_files_over_http2(make_server):
    server = one_site(make_server, "http2 on;", files={"big": BIG}).start()
    done = subprocess.run(["curl", "-sS", "--http2", "--cacert", authority() / "ca.pem", "--resolve",
                           f"a.example:{server.port}:127.0.0.1", f"https://a.example:{server.port}/big"],
                          capture_output=True, timeout=20)
    assert done.stdout == BIG, done.stderr


def test_misdirected_requests_over_http2(make_server):
    """Browsers put several hosts on one connection when its certificate allows it.  [RFC 9110 15.5.20]"""
    guarded = "ssl_verify_client on; ssl_client_certificate %TLS%/clients.pem;"
    server = make_server(site("a.example", more="http2 on;"), listen="", servers=[site("b.example", more="http2 on;" + guarded)]).start()
    done = subprocess.run(["curl", "-sS", "--http2", "--cacert", authority() / "ca.pem", "--resolve",
                           f"a.example:{server.port}:127.0.0.1", "-H", "Host: b.example", "-o", "/dev/null",
                           "-w", "%{http_code} %{http_version}", f"https://a.example:{server.port}/"],
                          capture_output=True, timeout=20)
    assert done.stdout == b"421 2", done.stderr


# ---- What it costs.

def test_rest_of_a_connection_costs_little(make_server):
    """An idle TLS connection owns at most 15,000 bytes."""
    if SANITIZED:
        pytest.skip("memory is not itself")
    server = one_site(make_server, single=False).start()
    worker = wait_for("a worker", server.workers)[0]
    few = context(ciphers="ECDHE+AESGCM:ECDHE+CHACHA20")        # as many as browsers offer
    warm = [TlsConnection(server.port, with_context=few) for _ in range(50)]
    for conn in warm:
        conn.get("/")
    before = status_kb(worker, "RssAnon")
    conns = [TlsConnection(server.port, with_context=few) for _ in range(900)]
    for conn in conns:
        conn.get("/")
    each = (status_kb(worker, "RssAnon") - before) * 1024 / len(conns)
    for conn in warm + conns:
        conn.close()
    assert each <= 15000, each


# ---- Variables.

def test_variables_of_the_connection(make_server):
    names = ("protocol cipher ciphers curve curves server_name session_reused alpn_protocol sigalg sigalgs "
             "client_verify early_data").split()
    body = "|".join(f"$ssl_{n}" for n in names)
    server = one_site(make_server, f'location / {{ return 200 "{body}"; }}').start()
    with TlsConnection(server.port, with_context=context(V13, alpn=["http/1.1"])) as conn:
        got = dict(zip(names, conn.get("/").body.decode().split("|")))
        cipher = conn.sock.cipher()[0]
    assert got["protocol"] == "TLSv1.3" and got["cipher"] == cipher
    assert cipher in got["ciphers"].split(":")
    assert got["curve"] in got["curves"].split(":") and got["curve"] == "X25519"
    assert (got["server_name"], got["session_reused"], got["alpn_protocol"]) == ("a.example", ".", "http/1.1")
    assert got["sigalg"] == "ecdsa_secp256r1_sha256" and got["sigalg"] in got["sigalgs"].split(":")
    assert (got["client_verify"], got["early_data"]) == ("NONE", "")


def test_variables_are_empty_on_plain_connections(make_server):
    server = make_server('location / { return 200 "[$ssl_protocol$ssl_cipher$ssl_client_verify$ssl_server_name]"; }').start()
    with Connection(server.port) as conn:
        assert conn.get("/").body == b"[]"
