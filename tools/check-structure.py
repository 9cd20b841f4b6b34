#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check the rules of the tree that a compiler doesn't: which layer may include which, what core
may not call, sizes of files and functions, licence lines. Prints each breach; exit status 1."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent

# A layer's sources may include headers of these prefixes (and system headers, below).
MAY_INCLUDE = {
    "base": ("base/",),
    "core": ("base/", "core/", "credscope/"),
    "io": ("base/", "core/", "credscope/", "credscope.skel.h"),
    "app": ("base/", "core/", "io/", "app/", "credscope/"),
}
# Within a layer, a room (a folder) may include the layer's own files and the rooms before it.
ROOMS = {
    "core": ("facts", "exchange", "attribute", "kube", "pods", "classify", "waiting", "metrics",
             "findings", "report", "state"),
    "app": ("config", "serve", "pipeline", "observer", "check", "top"),
}
# core is pure logic: no file descriptors, no clock but what it is given.
CORE_FORBIDDEN_HEADERS = {
    "fcntl.h", "unistd.h", "sys/socket.h", "sys/epoll.h", "sys/stat.h", "sys/mman.h", "pthread.h",
    "signal.h", "dirent.h", "curl/curl.h", "microhttpd.h", "bpf/libbpf.h", "bpf/bpf.h", "netdb.h",
}
CORE_FORBIDDEN_CALLS = re.compile(
    r"\b(cs_monotonic_ns|open|openat|fopen|read|write|socket|clock_gettime|gettimeofday|time|"
    r"getenv|printf|fprintf|cs_(?:error|warn|info|debug|log)\w*)\s*\(")
FILE_LINES_MAX = 400
TEST_LINES_MAX = 450
FUNCTION_LINES_MAX = 60

problems = []


def report(path, line, text):
    problems.append(f"{path.relative_to(TOP)}:{line}: {text}")


def strip_comments(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    text = re.sub(r"//[^\n]*", blank, text)
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)


def check_includes(path, layer):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        quoted = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        system = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
        if quoted and not quoted.group(1).startswith(MAY_INCLUDE[layer]):
            same = layer == "io" and quoted.group(1).startswith("io/")
            stem = pathlib.Path(quoted.group(1)).stem
            # One outside thing may be several files: io/sensor_ring.c belongs to io/sensor.h.
            if same and (path.stem == stem or path.stem.startswith(stem.split("_internal")[0])):
                continue
            report(path, number, f"{layer} may not include {quoted.group(1)}")
        if system and layer in ("base", "core") and system.group(1) in CORE_FORBIDDEN_HEADERS:
            if layer == "core":
                report(path, number, f"core may not include <{system.group(1)}>")


def check_rooms(path, layer):
    rooms = ROOMS.get(layer, ())
    inside = path.relative_to(TOP / "userspace" / layer).parts[:-1]
    if inside and inside[0] not in rooms:
        report(path, 1, f"{layer}/{inside[0]} is no room that ROOMS in {sys.argv[0]} names")
        return
    known = rooms[:rooms.index(inside[0]) + 1] if inside else ()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        quoted = re.match(rf'\s*#\s*include\s+"{layer}/([^/"]+)/', line)
        if quoted and quoted.group(1) not in known:
            report(path, number, f"{layer}/{'/'.join(inside)} may not include "
                                 f"{layer}/{quoted.group(1)}: it comes later")


def check_calls(path):
    for number, line in enumerate(strip_comments(path.read_text()).splitlines(), 1):
        match = CORE_FORBIDDEN_CALLS.search(line)
        if match and not line.lstrip().startswith("#"):
            report(path, number, f"core may not call {match.group(1)}()")


def check_sizes(path):
    lines = strip_comments(path.read_text()).splitlines()
    most = TEST_LINES_MAX if path.relative_to(TOP).parts[0] == "tests" else FILE_LINES_MAX
    if len(lines) > most:
        report(path, len(lines), f"{len(lines)} lines; at most {most}: is it two things?")
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            if number - start - 1 > FUNCTION_LINES_MAX and not line.startswith("};"):
                report(path, start, f"function of {number - start - 1} lines; "
                                    f"at most {FUNCTION_LINES_MAX}")
            start = None


def check_licence(path):
    wants = "(BSD-2-Clause OR GPL-2.0-only)" if "bpf" in path.relative_to(TOP).parts[:1] or \
        path.name == "abi.h" else "Apache-2.0"
    head = "\n".join(path.read_text().splitlines()[:3])
    if f"SPDX-License-Identifier: {wants}" not in head:
        report(path, 1, f"the first lines must say SPDX-License-Identifier: {wants}")


def main():
    for layer in MAY_INCLUDE:
        for path in sorted((TOP / "userspace" / layer).rglob("*.[ch]")):
            check_includes(path, layer)
            check_rooms(path, layer)
            if layer == "core":
                check_calls(path)
    for root in ("userspace", "bpf", "include", "tests", "tools"):
        for path in sorted((TOP / root).rglob("*.[ch]")):
            check_sizes(path)
            check_licence(path)
    print("\n".join(problems) or "structure: ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
