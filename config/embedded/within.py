"""Run one command with the database and Redis at hand: `python -m config.embedded.within CMD …`.

Beside a running `make run` the command uses its engines; otherwise they run for as long as the
command does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from config.embedded import places
from config.embedded.engines import RUN_LOCK, Engines, load_environment, provision_from, write_environment
from config.embedded.places import PROJECT, LaunchError

ALREADY_RUNNING = "already running"


def main(command: list[str]) -> int:
    """Run the command and return its exit code."""
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with places.only_one(RUN_LOCK, ALREADY_RUNNING):
            return _run_with_engines(command)
    except LaunchError as error:
        if str(error) != ALREADY_RUNNING:
            print(error, file=sys.stderr)
            return 1
    load_environment()
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run_with_engines(command: list[str]) -> int:
    engines = Engines.for_development()
    try:
        for engine in (engines.postgres, engines.valkey):
            if engine:
                engine.start()
        environment = engines.environment()
        write_environment(environment)
        provision_from(environment)
        return subprocess.run(command, cwd=PROJECT, env={**os.environ, **environment}, check=False).returncode
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        engines.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
