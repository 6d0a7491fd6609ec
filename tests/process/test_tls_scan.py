"""What testssl.sh has to say of a site with no settings of its own: nothing above LOW.  [the goals of TLS]"""

import json
import os
import shutil
import subprocess

import pytest

from weir.authority import authority, make_leaf

pytestmark = [pytest.mark.weir_only, pytest.mark.skipif(not shutil.which("testssl"), reason="testssl is not installed")]

SECURE = 'add_header Strict-Transport-Security "max-age=31536000"; add_header X-Frame-Options DENY; ' \
         "add_header X-Content-Type-Options nosniff; add_header Content-Security-Policy \"default-src 'none'\";"
GRADES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


@pytest.mark.parametrize("sections", [
    ("--protocols", "--server-preference"),
    pytest.param(("--std", "--fs", "--vulnerable", "--server-defaults", "--headers"),
                 marks=pytest.mark.skipif(not os.environ.get("WEIR_SCAN"), reason="slow: WEIR_SCAN is not set")),
])
def test_nothing_above_low_is_found(make_server, tmp_path, sections):
    for name in ("ca.pem", "ca.key"):
        shutil.copyfile(authority() / name, tmp_path / name)
    make_leaf(tmp_path, "site", "ca", "/CN=a.example", ["a.example"], days=90,
              more="authorityInfoAccess=OCSP;URI:http://127.0.0.1:1/\nextendedKeyUsage=serverAuth\n")
    server = make_server(f"server_name a.example; http2 on; ssl_certificate {tmp_path}/site.pem; "
                         f"ssl_certificate_key {tmp_path}/site.key; {SECURE} location / {{ return 200 ok; }}",
                         listen="listen 127.0.0.1:%PORT% ssl;").start()
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1",
                    "--severity", "LOW", "--add-ca", tmp_path / "ca.pem", "--jsonfile", tmp_path / "found.json", *sections,
                    f"a.example:{server.port}"], capture_output=True, timeout=240, cwd=tmp_path)
    found = json.loads((tmp_path / "found.json").read_text())
    assert not [f for f in found if f["severity"] in GRADES and f["severity"] != "LOW"], found
    assert not [f for f in found if f["id"] == "scanProblem"], found
