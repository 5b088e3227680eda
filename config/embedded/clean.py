"""`make clean`: remove `var/` and the engines' data, unless the system is running."""

from __future__ import annotations

import sys

from config.embedded import places
from config.embedded.engines import RUN_LOCK
from config.embedded.places import LaunchError


def main() -> int:
    """Remove the data; 1 when `make run` still uses it."""
    try:
        with places.only_one(RUN_LOCK, "The system is running; stop it first."):
            places.remove_data()
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
