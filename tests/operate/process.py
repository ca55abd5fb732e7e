"""Programs that run while they are looked at, and what they say."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

# Nothing here takes as long on the slowest machine.
PATIENCE = 90


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

    @classmethod
    def kill_all(cls):
        for one in cls.all:
            one.process.kill()
            one.process.wait()


def read(url, method="GET"):
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def ask(url, method="GET"):
    return json.loads(read(url, method))


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
        time.sleep(0.1)  # else it takes a core from what it waits for
    raise AssertionError(f"waited {PATIENCE} s in vain until {what}; the last answer was {last!r}")
