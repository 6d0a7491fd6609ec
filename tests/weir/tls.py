"""TLS clients: Python's ssl over weir.wire's strict HTTP, and openssl s_client for what Python cannot do."""

import socket
import ssl
import subprocess

from weir.authority import authority
from weir.wire import TIMEOUT, Connection

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def context(version=None, client=None, tickets=True, verify=True, alpn=(), ciphers=None):
    """A client's settings. version: this one alone; client: the name of its certificate."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(authority() / "ca.pem")
    if version:
        c.minimum_version = c.maximum_version = version
    if client:
        c.load_cert_chain(authority() / f"{client}.pem", authority() / f"{client}.key")
    if not tickets:
        c.options |= ssl.OP_NO_TICKET
    if not verify:
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if alpn:
        c.set_alpn_protocols(list(alpn))
    if ciphers:
        c.set_ciphers(ciphers)
    return c


class TlsConnection(Connection):
    """weir.wire's connection with TLS in between. before: bytes sent ahead of the handshake."""

    def __init__(self, address, name="a.example", with_context=None, session=None, timeout=TIMEOUT, before=b""):
        super().__init__(address, timeout)
        if before:
            self.sock.sendall(before)
        self.context = with_context or context()
        if name is None:
            self.context.check_hostname = False
        try:
            self.sock = self.context.wrap_socket(self.sock, server_hostname=name, session=session)
        except BaseException:
            self.sock.close()
            raise

    @property
    def peer(self):
        """The common name of the server's certificate."""
        return dict(pair[0] for pair in self.sock.getpeercert()["subject"])["commonName"]

    @property
    def session(self):
        return self.sock.session

    @property
    def reused(self):
        return self.sock.session_reused


def s_client(server, *words, port=None, stdin="", timeout=15):
    """openssl s_client to the server; all it said."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port or server.port}",
                           "-CAfile", authority() / "ca.pem", *words],
                          input=stdin.encode(), capture_output=True, timeout=timeout)
    return (done.stdout + done.stderr).decode("latin-1")


class Memory:
    """A client whose records pass through our hands: what it says is seen, and sent as the test likes."""

    def __init__(self, port, name="a.example", with_context=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (with_context or context()).wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)

    def close(self):
        self.sock.close()

    def take(self):
        """Bytes that are to be sent."""
        return self.outgoing.read()

    def feed(self):
        """Read from the server once; False at its end."""
        data = self.sock.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        return bool(data)

    def handshake(self, send=None):
        """Up to its end; send(bytes) in place of sendall."""
        send = send or self.sock.sendall
        while True:
            try:
                self.tls.do_handshake()
                send(self.take())
                return
            except ssl.SSLWantReadError:
                send(self.take())
                self.feed()

    def read(self, want=65536):
        while True:
            try:
                return self.tls.read(want)
            except ssl.SSLWantReadError:
                if not self.feed():
                    return b""
