"""
`make chaos`, the long form: rounds of kills at random moments in billing runs.

Then ten thousand payments, a million transfers and a million readings.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import pytest

from tests.chaos.test_killed import RECOVERY_S
from tests.chaos.town import VICTIMS, Town, keep_log

ACCOUNTS = 6_000
KILLS = 6


def main(rounds: int, seed: int) -> int:
    """So many rounds; 0 when all of them ended with the books in order."""
    kept = Path(tempfile.mkdtemp(prefix="chaos-"))
    for number in range(rounds):
        chance = random.Random(seed + number)
        print(f"round {number + 1} of {rounds}, seed {seed + number}", flush=True)
        with Town(f"round-{number}", accounts=ACCOUNTS) as town:
            try:
                play(town, chance)
            except AssertionError as error:
                keep_log(town, kept)
                print(f"{error}\nlogs in {kept}")
                return 1
    files = [str(Path(__file__).with_name(name)) for name in ("ten_thousand.py", "million.py")]
    return int(pytest.main(["-q", "-p", "no:randomly", *files]))


def play(town: Town, chance: random.Random) -> None:
    """One run; a random process dies each time a random share of it is done."""
    job_id = town.begin_run(shard_size=chance.choice((10, 20, 50)))
    for share in sorted(chance.uniform(0.02, 0.98) for _ in range(KILLS)):
        victim = chance.choice(VICTIMS)

        def is_far_enough(share: float = share) -> bool:
            now = town.progress(job_id)
            return now is not None and (now.share >= share or now.state == "done")

        town.wait_until(is_far_enough, limit_s=RECOVERY_S, what=f"{share:.0%} of the run")
        print(f"  {share:.0%}: kill {victim}", flush=True)
        town.kill(victim)
    town.wait_until(lambda: town.is_done(job_id), limit_s=RECOVERY_S, what="the end of the run")
    town.check_books(job_id)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, int(sys.argv[2]) if len(sys.argv) > 2 else 1))
