# SPDX-License-Identifier: Apache-2.0
"""Requests through curl, a process of its own each; its -w report gives status and addresses."""
import json
import os
import re
import subprocess

from .. import truth
from . import record

CURL = "/usr/bin/curl"
EXITS = {35: "tls_failed", 60: "tls_failed", 52: "no_response", 56: "reset"}


def _outcome(code, report, log):
    if code == 0:
        return truth.outcome_of_status(report["http_code"])
    if code == 7:
        return "refused" if "Connection refused" in log else "unreachable"
    if code == 28:
        return "abandoned" if report["time_connect"] > 0 else "unreachable"
    if code in EXITS:
        return EXITS[code]
    raise RuntimeError(f"curl ended with {code}: {log[-400:]}")


def run(request, recorder, timeout=5.0):
    host = request.host or request.address
    scheme = "https" if request.tls else "http"
    argv = [CURL, "-sv", "-o", "/dev/null", "-w", "%{json}", "--max-time", str(timeout),
            "-X", request.method, "-g", "--http1.1"]
    for key, value in request.headers:
        argv += ["-H", f"{key}: {value}"]
    if request.body:
        argv += ["--data-binary", "@-"]
    if request.path == "//v1/credentials":
        argv.append("--path-as-is")
    read, write, tell = record.spawn_pid_pipe()
    start, wall = truth.now()
    done = subprocess.run([*argv, f"{scheme}://{host}{request.path}"], input=request.body,
                          capture_output=True, preexec_fn=tell, pass_fds=(write,),
                          timeout=timeout + 10, check=False)
    end = truth.now()[0]
    os.close(write)
    pid = int(os.read(read, 32))
    os.close(read)
    report = json.loads(done.stdout)
    log = done.stderr.decode("latin-1")
    address = (report["local_ip"], report["local_port"])
    recorder.exchange(
        request, pid=pid, outcome=_outcome(done.returncode, report, log),
        status=report["http_code"] or None, start_ns=start, start_wall=wall, end_ns=end,
        client_seconds=report["time_starttransfer"] - max(report["time_appconnect"],
                                                          report["time_connect"]),
        source=truth.endpoint(address) if address[1] else None, exchange=0,
        connection=f"{pid}-1", family=6 if ":" in request.address else 4,
        error=re.sub(r"\s+", " ", report.get("errormsg") or "") or None)
    return report["http_code"], [], b""
