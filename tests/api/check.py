"""Is the running counter what it says it is? `check.py BINARY`, with the Python that tests/deploy/prepare prints.

The document that the counter serves is valid OpenAPI 3.1, and Schemathesis asks all that it describes, with what fits and
with what does not, and goes on along its links: as a manager, and as nobody. The same seed asks the same; `--seed N` says
another one, and `--long` asks for minutes, with one that nobody has tried. The last line is as cargo's.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from openapi_spec_validator import validate

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
import suite  # noqa: E402 (nothing is to be left behind)

arguments = argparse.ArgumentParser()
arguments.add_argument("binary", type=lambda path: str(Path(path).resolve()))
arguments.add_argument("--long", action="store_true")
arguments.add_argument("--seed", type=int)
ASKED = arguments.parse_args()
SCHEMATHESIS = str(Path(sys.executable).parent / "schemathesis")
SEED = ASKED.seed if ASKED.seed is not None else random.randrange(2**32) if ASKED.long else 7
# Of each request, with each kind of data.
EXAMPLES = "50" if ASKED.long else "6"


class Line:
    """`brewline up` on a log of its own."""

    def __enter__(self):
        self.room = tempfile.TemporaryDirectory()
        command = [ASKED.binary, "up", "--log", f"local:{self.room.name}/log", "--listen", "127.0.0.1:0"]
        command += ["--seconds-per-cup", "0", "--public-url", "https://cafe.example"]
        self.process = subprocess.Popen(
            command, cwd=self.room.name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.token = self.url = None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "staff token" in line:
                self.token = ""
            elif self.token == "" and line.startswith("  "):
                self.token = line.strip()
            elif line.startswith("  health"):
                self.url = re.search(r"http://[^/\s]+", line).group()
            if self.token and self.url:
                break
        assert self.token and self.url, "".join(said)
        # It narrates every order: a pipe that nobody reads would stop it.
        self.reader = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.reader.wait(60)
        self.room.cleanup()


def document_is_valid(line):
    with urllib.request.urlopen(f"{line.url}/docs/openapi.json", timeout=60) as answer:
        validate(json.load(answer))


def ask(line, *more):
    command = [SCHEMATHESIS, "--config-file", str(ROOT / "tests/api/schemathesis.toml"), "run"]
    command += [f"{line.url}/docs/openapi.json", "--seed", str(SEED), "--max-examples", EXAMPLES, *more]
    ours = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(ROOT / "tests/api"), "PYTHONDONTWRITEBYTECODE": "1"}
    # It keeps examples below the working directory, which another run would begin with.
    done = subprocess.run(
        command, cwd=line.room.name, env=os.environ | ours, capture_output=True, text=True, timeout=3600 if ASKED.long else 600
    )
    assert done.returncode == 0, done.stdout + done.stderr


def a_manager_gets_what_is_described(line):
    manager = f"Bearer {line.token}"
    ask(line, "--header", f"Authorization: {manager}")
    # Had something taken the token back, most of it would have been asked as nobody.
    request = urllib.request.Request(f"{line.url}/session", headers={"Authorization": manager})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["role"] == "manager"


def whoever_is_nobody_gets_what_is_described(line):
    ask(line)


def on_a_line(check):
    def test():
        with Line() as line:
            check(line)

    return check.__name__, test


print(f"seed {SEED}: check.py {ASKED.binary} --seed {SEED}{' --long' if ASKED.long else ''}", flush=True)
suite.run(
    map(on_a_line, [document_is_valid, a_manager_gets_what_is_described, whoever_is_nobody_gets_what_is_described])
)
