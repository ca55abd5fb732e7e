"""A real Prometheus watches a real line: is whoever is on call told when the barista is stopped, and led to the right page?

`live.py BINARY PROMETHEUS BROKER`: the program, the directory that tests/operate/prepare prints, and an Apache Kafka. The rules
are those of deploy/prometheus, but that no alert waits: `for` is taken out of all of them. The last line is as cargo's.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BINARY, PROMETHEUS, BROKER = str(Path(sys.argv[1]).resolve()), sys.argv[2], sys.argv[3]
# Nothing here takes as long on the slowest machine.
PATIENCE = 90
DOCS = "https://docs.example/brewline"


class Process:
    """A process whose lines are heard. Its end is that of this program, at the latest."""

    all = []

    def __init__(self, *command, room):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BREWLINE_")}
        self.process = subprocess.Popen(
            command, cwd=room, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said, self.heard = [], threading.Condition()
        Process.all.append(self)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            with self.heard:
                self.said.append(line)
                self.heard.notify_all()
        with self.heard:
            self.said.append(None)
            self.heard.notify_all()

    def hear(self, pattern):
        """What the first group is of the first line that has this."""
        with self.heard:
            found = lambda: next((m for line in self.said if line and (m := re.search(pattern, line))), None)
            self.heard.wait_for(lambda: found() or None in self.said, PATIENCE)
            assert found(), f"{pattern} was not said: {self.said}"
            return found().group(1)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(url, method="GET"):
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def until(what, holds):
    """Asks until it holds, and gives what that is."""
    end = time.monotonic() + PATIENCE
    last = None
    while time.monotonic() < end:
        try:
            last = holds()
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            last = error
        else:
            if last:
                return last
    raise AssertionError(f"waited {PATIENCE} s in vain until {what}; the last answer was {last!r}")


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

    def value(self, query):
        result = ask(f"{self.prometheus}/api/v1/query?query={urllib.request.quote(query)}")["data"]["result"]
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
    until("no alert fires", lambda: not line.firing())


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
    until("no alert fires", lambda: not line.firing())


def nothing_that_is_shown_is_refused(line):
    """Prometheus reads each of our answers whole: what it can't read makes a target that is down."""
    asked = line.value('min(scrape_samples_scraped{job=~"brewline.*"})')
    assert asked and asked > 20, asked


def main():
    tests = [
        prometheus_sees_the_line_and_all_is_well,
        nothing_that_is_shown_is_refused,
        the_page_of_the_alert_is_found_when_the_barista_is_stopped,
        it_is_over_when_the_barista_is_there_again,
    ]
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory() as room:
        try:
            line = Line(room)
            for test in tests:
                # Each goes on where the one before it stopped.
                try:
                    test(line)
                except Exception as error:
                    failed += 1
                    print(f"test {test.__name__} ... FAILED\n    {type(error).__name__}: {error}")
                    for process in Process.all:
                        print("    |", *[said for said in process.said if said][-10:], sep="    | ")
                    break
                passed += 1
                print(f"test {test.__name__} ... ok")
        finally:
            for process in Process.all:
                process.process.kill()
                process.process.wait()
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed; 0 ignored")
    sys.exit(failed > 0)


main()
