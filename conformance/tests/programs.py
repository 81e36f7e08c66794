"""Programs that the tests put behind a `command:` adapter: a frame of the standard library, and a body for each call."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

FRAME = """
import json, os, struct, sys, time
from pathlib import Path

op, place = sys.argv[1:3]
with open({log!r}, "a") as log:
    log.write(op + chr(10))

def tensor(name, dtype, shape, data):
    header = json.dumps({{name: {{"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}}}).encode()
    return struct.pack("<Q", len(header)) + header + data

def call(folder, number, arguments):
{body}

for number, folder in enumerate(sorted(Path(place).iterdir()), 1):
    asked = json.loads((folder / "in.json").read_text())
    if op == "describe":
        (folder / "out.json").write_text({described!r})
        status = 0
    else:
        status = call(folder, number, asked["arguments"])
    if status is not None:
        (folder / "status").write_text(str(status))
"""


def program(folder: Path, body: str, *functions: str, **described: Any) -> str:
    """The name of an adapter whose program runs `body` for each call; what `body` returns is the status."""
    script = folder / "program.py"
    told = json.dumps({"functions": functions, **described})
    lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
    script.write_text(FRAME.format(body=lines, described=told, log=str(folder / "log")))
    return f"command:{shlex.join([sys.executable, '-S', str(script), '{op}', '{dir}'])}"


def started(folder: Path) -> list[str]:
    """The function that each process of a program was started for, in order."""
    return (folder / "log").read_text().split()
