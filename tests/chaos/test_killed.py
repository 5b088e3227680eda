"""Processes are killed in the middle of a billing run; it ends without help, and everybody is billed once."""

from __future__ import annotations

import pytest

from tests.chaos.town import Town

# A restarted stack has this long; leases run out after half a minute.
RECOVERY_S = 120


class TestKilled:
    @pytest.mark.acceptance("F23")
    def test_a_run_survives_its_worker_its_broker_and_its_database(self) -> None:
        """The short form, one kill each; `make chaos` does it at random moments, over and over."""
        with Town("short", accounts=3_000) as town:
            job_id = town.begin_run(shard_size=20)
            for victim, share in (("worker", 0.1), ("Valkey", 0.35), ("PostgreSQL", 0.6)):

                def is_far_enough(share: float = share) -> bool:
                    now = town.progress(job_id)
                    return now is not None and now.share >= share

                town.wait_until(is_far_enough, limit_s=RECOVERY_S, what=f"{share:.0%} of the run")
                now = town.progress(job_id)
                assert now is not None
                assert now.state == "running"
                assert now.done < now.total, f"the run was over before the {victim} was killed"
                town.kill(victim)

            town.wait_until(lambda: town.is_done(job_id), limit_s=RECOVERY_S, what="the end of the run")
            town.check_books(job_id)

            # And whoever lost a connection has found it again: new work is taken up.
            preview = town.begin_run(shard_size=5_000, kind="preview")
            town.wait_until(lambda: town.is_done(preview), limit_s=RECOVERY_S, what="the work after")
