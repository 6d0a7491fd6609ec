#!/usr/bin/python3
"""Print the public ABI as sorted text lines, one fact a line; an older ledger must be a subset of a newer one.

    tests/abi/ledger.py include > now.txt
    LC_ALL=C comm -23 tests/abi/weir-1.0.ledger now.txt    # what was broken: must print nothing

Needs gcc and abidw (package abigail-tools). The headers alone are compiled, into an image that refers to every public
struct, enum, callback and function: abidw describes only what exported symbols lead to, and weir_hook, weir_directive and
the enums are otherwise reached through void pointers and plain integers. Plain abidiff on the server misses those; with
its "may grow at the end" suppression (2.2) it also misses a field that changed its type in place. A subset of lines does not.
"""
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

FROZEN = {"weir_str", "weir_items", "weir_strs", "weir_name", "weir_pair", "weir_chain", "weir_note", "weir_self", "weir_text"}
EXPORTED = r'extern __attribute__\(\(visibility\("default"\)\)\) ([^;{]*?\bweir_\w+\((?:[^()]|\([^()]*\))*\))'


def prototypes(directory):
    """The exported functions as the compiler sees them, without attributes after the parameters."""
    code = subprocess.run(["gcc", "-std=c11", "-E", "-P", "-DWEIR_SERVER", f"-I{directory}", "-include", "weir/weir.h",
                           "-x", "c", "/dev/null"], capture_output=True, text=True, check=True).stdout
    return re.findall(EXPORTED, re.sub(r"\s+", " ", code))


def exported_names(directory):
    """Just their names."""
    return {re.search(r"\b(weir_\w+)\(", p)[1] for p in prototypes(directory)}


def image(directory):
    """C code that names everything public and defines each function as abort()."""
    text = "".join(h.read_text() for h in sorted(Path(directory, "weir").glob("*.h")))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    lines = ['#include <stdlib.h>\n#include "weir/weir.h"']
    for kind in "struct", "enum":
        for name in sorted(set(re.findall(rf"\b{kind} (weir_\w+)\s*\{{", text))):
            lines.append(f"{kind} {name} *image_{name};")
    for name in sorted(set(re.findall(r"typedef [\w\s*]+\(\*(weir_\w+)\)", text))):
        lines.append(f"{name} image_callback_{name};")
    lines += [p + " { abort(); }" for p in prototypes(directory)]
    return "\n".join(lines) + "\n"


def describe(directory):
    """abidw's XML for the image."""
    with tempfile.TemporaryDirectory() as t:
        c, so = os.path.join(t, "image.c"), os.path.join(t, "image.so")
        Path(c).write_text(image(directory))
        subprocess.run(["gcc", "-std=gnu11", "-g", "-w", "-fPIC", "-shared", "-DWEIR_SERVER", f"-I{directory}", c, "-o", so],
                       check=True)
        return ET.fromstring(subprocess.run(["abidw", "--no-show-locs", so], capture_output=True, check=True).stdout)


def ledger(root):
    types = {e.get("id"): e for e in root.iter() if e.get("id")}

    def name(i):
        e = types[i]
        if e.tag == "pointer-type-def":
            return name(e.get("type-id")) + "*"
        if e.tag == "qualified-type-def":
            return "const " * (e.get("const") == "yes") + name(e.get("type-id"))
        if e.tag == "typedef-decl":
            return name(e.get("type-id"))
        if e.tag == "array-type-def":
            return f"{name(e.get('type-id'))}[{e.find('subrange').get('length')}]"
        if e.tag == "function-type":
            return signature(e, "(*)")
        return e.get("name")

    def signature(e, called):
        parameters = ["..." if p.get("is-variadic") else name(p.get("type-id")) for p in e.findall("parameter")]
        return f"{name(e.find('return').get('type-id'))} {called}({', '.join(parameters) or 'void'})"

    for e in root.iter():
        own = (e.get("name") or "").startswith("weir_")
        if e.tag == "class-decl" and own and e.get("is-declaration-only") != "yes":
            if e.get("name") in FROZEN:
                yield f"struct {e.get('name')} frozen, {int(e.get('size-in-bits')) // 8} bytes"
            for m in e.findall("data-member"):
                v = m.find("var-decl")
                offset = int(m.get("layout-offset-in-bits")) // 8
                yield f"struct {e.get('name')} at {offset}: {name(v.get('type-id'))} {v.get('name')}"
        elif e.tag == "enum-decl" and own:
            yield from (f"enum {e.get('name')} {v.get('name')} = {v.get('value')}" for v in e.findall("enumerator"))
        elif e.tag == "function-decl" and own:
            yield "function " + signature(e, e.get("name"))
        elif e.tag == "typedef-decl" and own and name(e.get("type-id")).endswith("*") and "(*)" in name(e.get("type-id")):
            yield f"callback {e.get('name')}: {name(e.get('type-id'))}"


def facts(directory):
    return sorted(set(ledger(describe(directory))))


if __name__ == "__main__":
    print("\n".join(facts(sys.argv[1])))
