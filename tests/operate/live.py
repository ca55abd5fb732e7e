"""A real Prometheus watches a real line: is whoever is on call told when the barista is stopped, and led to the right page?

`live.py BINARY PROMETHEUS BROKER`: the program, the directory that tests/operate/prepare prints, and an Apache Kafka. The rules
are those of deploy/prometheus, but that no alert waits: `for` is taken out of all of them. The last line is as cargo's.
"""

import math
import os
import re
import socket
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
import suite  # noqa: E402 (nothing is to be left behind)
from process import Process, ask, until  # noqa: E402

BINARY, PROMETHEUS, BROKER = str(Path(sys.argv[1]).resolve()), sys.argv[2], sys.argv[3]
DOCS = "https://docs.example/brewline"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def rules_that_do_not_wait(room):
    for name in ("brewline.rules.yml", "brewline.alerts.yml"):
        rules = yaml.safe_load((ROOT / "deploy/prometheus" / name).read_text())
        for group in rules["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                rule.pop("for", None)
        Path(room, name).write_text(yaml.safe_dump(rules))


def configuration(counter, barista):
    """What deploy/prometheus has, but for who is asked and how often."""
    configured = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    configured["global"] = {
        "scrape_interval": "250ms",
        "scrape_timeout": "250ms",
        "evaluation_interval": "250ms",
        "external_labels": {"brewline_docs": DOCS},
    }
    # What is sent is nobody's here.
    del configured["alerting"]
    targets = {"brewline-counter": counter, "brewline-barista": barista}
    configured["scrape_configs"] = [
        {"job_name": job["job_name"], "static_configs": [{"targets": [targets[job["job_name"]]]}]}
        for job in configured["scrape_configs"]
    ]
    return yaml.safe_dump(configured)


class Line:
    def __init__(self, room):
        self.room = room
        self.log = ["--log", f"kafka://{BROKER}", "--prefix", f"watched-{os.getpid()}-{time.time_ns():x}."]
        counter = Process(BINARY, "counter", *self.log, "--listen", "127.0.0.1:0", room=room)
        self.counter = counter.hear(r"health +GET +http://(\S+)/readyz")
        self.barista_at = f"127.0.0.1:{free_port()}"
        self.start_barista()
        rules_that_do_not_wait(room)
        Path(room, "prometheus.yml").write_text(configuration(self.counter, self.barista_at))
        self.prometheus = f"http://127.0.0.1:{free_port()}"
        Process(
            f"{PROMETHEUS}/prometheus",
            f"--config.file={room}/prometheus.yml",
            f"--storage.tsdb.path={room}/data",
            f"--web.listen-address={self.prometheus.removeprefix('http://')}",
            room=room,
        )

    def start_barista(self):
        # A barista that is stopped leaves its group, and nobody waits for it.
        command = [BINARY, "barista", *self.log, "--seconds-per-cup", "0", "--metrics-listen", self.barista_at]
        self.barista = Process(*command, room=self.room)

    def order(self):
        return ask(f"http://{self.counter}/order?amount=1", "POST")["order_id"]

    def is_ready(self, order):
        return ask(f"http://{self.counter}/orders/{order}")["state"] == "ready"

    def firing(self):
        alerts = ask(f"{self.prometheus}/api/v1/alerts")["data"]["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in alerts if alert["state"] == "firing"}

    def is_well(self):
        """Nothing fires but what always does."""
        return self.firing().keys() == {"BrewlineWatchdog"}

    def value(self, query):
        result = ask(f"{self.prometheus}/api/v1/query?query={urllib.parse.quote(query)}")["data"]["result"]
        return float(result[0]["value"][1]) if result else None


def section(url):
    """The part of docs/operate.md that a link leads to, if it does."""
    base, anchor = url.split("#")
    assert base == f"{DOCS}/operate.md", url
    page = (ROOT / "docs/operate.md").read_text()
    parts = {name.lower(): text for name, text in re.findall(r"^### (.+)\n((?:(?!^##).*\n)*)", page, re.MULTILINE)}
    return parts[anchor]


def prometheus_sees_the_line_and_all_is_well(line):
    until("the line takes orders", lambda: ask(f"http://{line.counter}/readyz")["ready"])
    until("the barista works", lambda: ask(f"http://{line.barista_at}/readyz")["ready"])
    order = line.order()
    until("it is called", lambda: line.is_ready(order))
    until("both are seen", lambda: line.value('sum(up{job=~"brewline.*"})') == 2)
    until("the order is counted", lambda: line.value("sum(brewline_barista_announced_total)") == 1)
    until("no alert fires", line.is_well)


def what_is_promised_of_orders_is_recorded(line):
    rules = yaml.safe_load(Path(line.room, "brewline.rules.yml").read_text())["groups"]
    names = [rule["record"] for group in rules for rule in group["rules"]]
    wanted = [name for name in names if "_accepted_" in name or "_order_" in name]
    assert len(wanted) == 8, wanted
    # How many came meanwhile is known after a second look.
    line.order()
    recorded = {}
    until(
        "each record has a value",
        lambda: recorded.update({name: line.value(name) for name in wanted}) or None not in recorded.values(),
    )
    # Which ones they must be promtool says: how soon a busy machine answers is not asked here.
    assert all(math.isfinite(value) for value in recorded.values()), recorded


def the_page_of_the_alert_is_found_when_the_barista_is_stopped(line):
    line.barista.stop()
    for name in ("BrewlineDown", "BrewlinePartitionWithoutBarista"):
        alert = until(f"{name} fires", lambda: line.firing().get(name))
        assert alert["labels"]["severity"] == "page", alert
        assert "**First:**" in section(alert["annotations"]["runbook_url"]), alert
    line.waiting = line.order()
    alert = until("BrewlineNobodyDecides fires", lambda: line.firing().get("BrewlineNobodyDecides"))
    assert "start the barista" in section(alert["annotations"]["runbook_url"]), alert


def it_is_over_when_the_barista_is_there_again(line):
    line.start_barista()
    until("the order is called", lambda: line.is_ready(line.waiting))
    until("no alert fires", line.is_well)


def nothing_that_is_shown_is_refused(line):
    """Prometheus reads each of our answers whole: what it can't read makes a target that is down."""
    asked = 'min(scrape_samples_scraped{job=~"brewline.*"})'
    until("each answer is read", lambda: (line.value(asked) or 0) > 20)


def show_what_was_said():
    for process in Process.all:
        print("    |", *[said for said in process.said if said][-10:], sep="    | ")


with tempfile.TemporaryDirectory() as room:
    try:
        line = Line(room)
        tests = [
            prometheus_sees_the_line_and_all_is_well,
            nothing_that_is_shown_is_refused,
            what_is_promised_of_orders_is_recorded,
            the_page_of_the_alert_is_found_when_the_barista_is_stopped,
            it_is_over_when_the_barista_is_there_again,
        ]
        of_the_line = [(test.__name__, lambda test=test: test(line)) for test in tests]
        suite.run(of_the_line, together=True, when_one_fails=show_what_was_said)
    finally:
        Process.kill_all()
