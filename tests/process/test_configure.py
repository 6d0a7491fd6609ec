"""configure: what it decides by options and by what is installed.  [docs, building]"""

import subprocess

import pytest

from weir.server import FLAVOUR, TOP

pytestmark = pytest.mark.skipif(FLAVOUR != "weir", reason="weir's own build")


def configure(folder, *options):
    return subprocess.run(["./configure", f"--builddir={folder}", *options], cwd=TOP, capture_output=True, text=True)


def test_gzip_is_built_without_isal_when_asked(tmp_path):
    assert "gzip: without isal: left out" in configure(tmp_path, "--without-isal").stdout
    module = tmp_path / "modules/gzip.so"
    subprocess.run(["make", "-s", "-C", tmp_path, module], check=True, stdout=subprocess.DEVNULL)
    needed = subprocess.run(["readelf", "-dW", module], capture_output=True, text=True, check=True).stdout
    assert "[libz.so" in needed
    assert "isal" not in needed


def test_a_misspelt_library_is_named(tmp_path):
    result = configure(tmp_path, "--without-isla")
    assert result.returncode == 1
    assert "did you mean --without-isal?" in result.stderr


def test_files_are_optimised_together_unless_told_otherwise(tmp_path):
    said = configure(tmp_path / "one", "--with-cc=gcc").stdout
    assert "optimise  across files" in said
    assert "-flto" in (tmp_path / "one/config.mk").read_text()
    for option in "--without-lto", "--with-debug", "--with-sanitizer=address":
        assert "across files" not in configure(tmp_path / "two", "--with-cc=gcc", option).stdout
        assert "-flto" not in (tmp_path / "two/config.mk").read_text()
