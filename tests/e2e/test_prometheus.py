# SPDX-License-Identifier: Apache-2.0
"""promtool over the scrape, and Debian's Prometheus scraping it with honor_labels on and off."""
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.parse

from node import session
from tap import Results

TOP = os.path.dirname(session.TESTS)
PROMETHEUS, PROMTOOL = "/usr/bin/prometheus", "/usr/bin/promtool"
LISTEN = "127.0.0.1:9090"
CONFIG = f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{TOP}/deploy/alerts.yml"]
scrape_configs:
  - job_name: honoured
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{session.PORT}"], labels: {{namespace: monitoring}}}}]
  - job_name: not-honoured
    honor_labels: false
    static_configs: [{{targets: ["127.0.0.1:{session.PORT}"], labels: {{namespace: monitoring}}}}]
"""
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def query(node, expression):
    """Instant query; a list of (labels, value)."""
    url = f"http://{LISTEN}/api/v1/query?query=" + urllib.parse.quote(expression)
    answer = json.loads(node.curl(url))
    return [(r["metric"], float(r["value"][1])) for r in answer["data"]["result"]]


def start_prometheus(node, directory):
    config = os.path.join(directory, "prometheus.yml")
    with open(config, "w", encoding="utf-8") as f:
        f.write(CONFIG)
    with open(os.path.join(directory, "prometheus.log"), "wb") as log:
        process = node.spawn(
            [PROMETHEUS, f"--config.file={config}", f"--web.listen-address={LISTEN}",
             f"--storage.tsdb.path={directory}/tsdb"], stdout=log, stderr=log, cwd=directory)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            node.curl(f"http://{LISTEN}/-/ready", seconds=2)
            return process
        except session.Failed:
            time.sleep(0.2)
    session.end(process)
    raise session.Failed("prometheus did not become ready")


def promtool(metrics, results):
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=metrics, text=True,
                          capture_output=True, timeout=30, check=False)
    results.check(done.returncode == 0 and not done.stderr.strip(),
                  "promtool check metrics is clean", done.stderr.splitlines())
    # the tool must be able to say no: a counter without _total is not clean
    spoilt = subprocess.run([PROMTOOL, "check", "metrics"], text=True, capture_output=True,
                            input="# HELP a_b b.\n# TYPE a_b counter\na_b 1\n", timeout=30,
                            check=False)
    results.check(spoilt.returncode != 0, "promtool refuses a metric that is named badly")


def label_values(metrics, results):
    """docs/metrics.md says what each of the values means that are not names of other things."""
    with open(os.path.join(TOP, "docs", "metrics.md"), encoding="utf-8") as f:
        text = f.read()
    values = set(re.findall(r'credscope_lost_total\{hop="([^"]+)"', metrics)
                 + re.findall(r'credscope_attributions_total\{result="([^"]+)"', metrics)
                 + re.findall(r'credscope_waited_requests_total\{end="([^"]+)"', metrics))
    missing = sorted(value for value in values if f"`{value}`" not in text)
    results.check(len(values) > 15 and not missing,
                  f"docs/metrics.md knows {len(values)} hops, results and ends", missing)


def answers(node, wanted, results):
    up = query(node, "up")
    results.check(len(up) == 2 and all(v == 1 for _, v in up), "Prometheus scrapes both jobs",
                  map(str, up))
    honoured = query(node, 'sum by (namespace) (credscope_requests_total{job="honoured"})')
    names = {labels.get("namespace", "") for labels, _ in honoured}
    results.check(bool(names - {"", "monitoring"}),
                  "with honor_labels the namespace is the workload's", map(str, honoured))
    off = query(node, "sum by (exported_namespace) "
                '(credscope_requests_total{job="not-honoured",exported_namespace!=""})')
    results.check(bool(off) and all(labels["exported_namespace"] for labels, _ in off),
                  "without honor_labels it is there as exported_namespace", map(str, off))
    on = query(node, 'sum(credscope_requests_total{job="honoured",workload!="",'
               'mechanism="eks-pod-identity"})')
    results.check(bool(on) and on[0][1] == wanted,
                  f"a query answers with the {wanted:.0f} requests that the scrape shows",
                  map(str, on))
    p99 = query(node, "histogram_quantile(0.99, sum by (le) ("
                'credscope_endpoint_request_duration_seconds_bucket{job="honoured"}))')
    results.check(bool(p99) and 0 < p99[0][1] < 80, "histogram_quantile gives a latency",
                  map(str, p99))


# of docs/queries.md those that this node must have an answer to, by a part of their text
ANSWERED = ('class="retiring"', "finding_info", "pods_using{mechanism=", 'declared=~"irsa',
            "histogram_quantile", 'success_timestamp_seconds{mechanism="irsa"}')
UNANSWERED = ('declared=~"irsa',)  # no pod of the node declares both


def documented(node, results):
    """Every query of the documentation is one, and answers where there is something to tell."""
    with open(os.path.join(TOP, "docs", "queries.md"), encoding="utf-8") as f:
        blocks = re.findall(r"```promql\n(.*?)```", f.read(), re.DOTALL)
    results.check(len(blocks) >= 15, f"docs/queries.md has {len(blocks)} queries")
    for block in blocks:
        name = f"docs/queries.md: {' '.join(block.split())[:70]}"
        try:
            found = query(node, block)
        except (session.Failed, KeyError) as error:
            results.check(False, name, str(error))
            continue
        wanted = any(part in block for part in ANSWERED) and "increase(" not in block
        if any(part in block for part in UNANSWERED):
            results.check(not found, name, map(str, found))
        else:
            results.check(bool(found) or not wanted, name, "no answer")


def alerts(node, results):
    """The rules of deploy/alerts.yml are evaluated without an error; IRSA in use is pending."""
    answer = json.loads(node.curl(f"http://{LISTEN}/api/v1/rules"))
    rules = [r for g in answer["data"]["groups"] for r in g["rules"]]
    bad = [f"{r['name']}: {r.get('lastError')}" for r in rules if r["health"] != "ok"]
    results.check(len(rules) == 7 and not bad, "all alerts are evaluated", bad)
    state = {r["name"]: r["state"] for r in rules}
    results.check(state["CredscopeFindingWarning"] == "pending"
                  and state["CredscopeFindingCritical"] == "inactive"
                  and state["CredscopeDown"] == "inactive"
                  and state["CredscopeWithoutNames"] == "inactive",
                  "a warning is pending, nothing critical", str(state))


def main():
    results = Results()
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        with session.Node("smoke", directory) as node, \
                session.Observer(node, session.binary(), directory) as observer:
            prometheus = start_prometheus(node, directory)
            try:
                node.go()
                results.check(node.finished(), "smoke: every client ended well")
                time.sleep(3)  # two scrapes after the last exchange
                metrics = observer.metrics()
                promtool(metrics, results)
                label_values(metrics, results)
                empty = [line for line in metrics.splitlines() if '=""' in line]
                results.check(not empty, "no label is empty", empty)
                text = observer.metrics(OPENMETRICS)
                results.check(text.endswith("# EOF\n"), "OpenMetrics is negotiated")
                wanted = sum(
                    float(line.rpartition(" ")[2]) for line in metrics.splitlines()
                    if line.startswith("credscope_requests_total{") and 'workload="' in line
                    and 'mechanism="eks-pod-identity"' in line)
                answers(node, wanted, results)
                documented(node, results)
                alerts(node, results)
            finally:
                session.end(prometheus)
    results.finish()


if __name__ == "__main__":
    main()
