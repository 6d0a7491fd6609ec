"""Certificates for tests, made by the openssl command when first asked for and kept beside the build.

    ca.pem             the authority that servers' certificates come from; site.pem/.key for a.example,
    site.key ...       b.example, rsa.example (RSA), wild.example (*.wild.example), localhost
    clients.pem        the authority for clients; alice.pem/.key, bob.pem/.key (revoked in crl.pem);
                       carol.pem/.key, whose certificate is middle.pem's
    strangers.pem      another one; mallory.pem/.key
    locked.key         a.example's key under the passphrase of locked.pass
    dh.pem, ocsp.der   parameters for DHE; a response about a.example
    ticket48, ticket80 keys of tickets
"""

import functools
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from weir.server import BINARY

GOOD_FOR = 10 * 86400                   # seconds; what is made is valid for 30 days


def openssl(folder, *words, **more):
    done = subprocess.run(["openssl", *map(str, words)], cwd=folder, capture_output=True, text=True, **more)
    assert done.returncode == 0, f"openssl {words}: {done.stderr}"
    return done.stdout


def make_root(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/O=weir tests/CN={name}",
            "-addext", "basicConstraints=critical,CA:TRUE")


def make_leaf(folder, name, root, subject, names=(), key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
              days=30, authority=False, more=""):
    """A certificate signed by root."""
    openssl(folder, "req", *key, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
    extensions = f"basicConstraints=CA:{'TRUE' if authority else 'FALSE'}\n"
    extensions += more
    if names:
        extensions += "subjectAltName=" + ",".join(f"DNS:{n}" for n in names) + "\n"
    (folder / f"{name}.ext").write_text(extensions)
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{root}.pem", "-CAkey", f"{root}.key",
            "-set_serial", hex(abs(hash((name, time.time_ns()))) % 2**60 + 1), "-days", days,
            "-extfile", f"{name}.ext", "-out", f"{name}.pem")


def make_revocations(folder, root, revoked):
    (folder / "index.txt").write_text("")
    (folder / "crlnumber").write_text("01\n")
    (folder / "ca.cnf").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\n"
                                   "default_md=sha256\ndefault_crl_days=30\n")
    base = ("ca", "-config", "ca.cnf", "-cert", f"{root}.pem", "-keyfile", f"{root}.key")
    openssl(folder, *base, "-revoke", f"{revoked}.pem")
    openssl(folder, *base, "-gencrl", "-out", "crl.pem")


def make_ocsp(folder, leaf, root, state="V", days=30, signer=None):
    """Write ocsp.der: what root, or signer in its name, says of leaf: V(alid) or R(evoked)."""
    serial = openssl(folder, "x509", "-in", f"{leaf}.pem", "-noout", "-serial").split("=")[1].strip()
    since = "260101000000Z" if state == "R" else ""
    (folder / "ocsp.txt").write_text(f"{state}\t351231235959Z\t{since}\t{serial}\tunknown\t/CN={leaf}\n")
    openssl(folder, "ocsp", "-issuer", f"{root}.pem", "-cert", f"{leaf}.pem", "-reqout", "ocsp.req", "-no_nonce")
    openssl(folder, "ocsp", "-index", "ocsp.txt", "-rsigner", f"{signer or root}.pem", "-rkey", f"{signer or root}.key",
            "-CA", f"{root}.pem", "-reqin", "ocsp.req", "-respout", "ocsp.der", "-ndays", days)


def make_all(folder):
    for root in ("ca", "clients", "strangers"):
        make_root(folder, root)
    rsa = ("-newkey", "rsa:2048")
    make_leaf(folder, "a.example", "ca", "/CN=a.example", ["a.example"])
    make_leaf(folder, "a.example-rsa", "ca", "/CN=a.example", ["a.example"], rsa)
    make_leaf(folder, "b.example", "ca", "/CN=b.example", ["b.example"])
    make_leaf(folder, "b.example-next", "ca", "/CN=b.example/O=next", ["b.example"])
    make_leaf(folder, "rsa.example", "ca", "/CN=rsa.example", ["rsa.example"], rsa)
    make_leaf(folder, "weak.example", "ca", "/CN=weak.example", ["weak.example"], ("-newkey", "rsa:1024"))
    make_leaf(folder, "wild.example", "ca", "/CN=wild.example", ["*.wild.example"])
    make_leaf(folder, "localhost", "ca", "/CN=localhost", ["localhost"])
    make_leaf(folder, "alice", "clients", "/O=weir tests/CN=alice")
    make_leaf(folder, "bob", "clients", "/O=weir tests/CN=bob")
    make_leaf(folder, "middle", "clients", "/O=weir tests/CN=middle", authority=True)
    make_leaf(folder, "carol", "middle", "/O=weir tests/CN=carol")
    with open(folder / "carol.pem", "a") as chain:
        chain.write((folder / "middle.pem").read_text())
    make_leaf(folder, "mallory", "strangers", "/CN=mallory")
    make_revocations(folder, "clients", "bob")
    make_ocsp(folder, "a.example", "ca")
    openssl(folder, "ec", "-in", "a.example.key", "-aes256", "-passout", "pass:open sesame", "-out", "locked.key")
    (folder / "locked.pass").write_text("wrong\nopen sesame\n")
    openssl(folder, "dhparam", "-dsaparam", "-out", "dh.pem", 2048)
    (folder / "ticket48").write_bytes(os.urandom(48))
    (folder / "ticket80").write_bytes(os.urandom(80))
    (folder / "data.pem").write_text((folder / "a.example.pem").read_text())


@functools.cache
def authority():
    """The folder of it all."""
    target = Path(BINARY).parent / "test-authority"
    if BINARY.startswith("/usr/"):
        target = Path(tempfile.gettempdir()) / f"weir-test-authority-{os.getuid()}"
    made = target / "dh.pem"
    if not made.exists() or time.time() - made.stat().st_mtime > GOOD_FOR:
        fresh = Path(tempfile.mkdtemp(prefix="authority-", dir=target.parent))
        fresh.chmod(0o755)
        make_all(fresh)
        shutil.rmtree(target, ignore_errors=True)
        try:
            fresh.rename(target)
        except OSError:                 # another run was quicker
            shutil.rmtree(fresh, ignore_errors=True)
    return target
