"""Nobody is cut off early: random histories against the law, checked from the raw history and not by the kernel."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cis.collecting.disconnection import Rule, Situation, Stage, Step, What, hindrances, stand

EAST_8 = timezone(timedelta(hours=8))
DUE_ON = date(2026, 3, 15)
HOLIDAYS = {date(2026, 5, 1), date(2026, 5, 2)}
STORM = (datetime(2026, 4, 29, 0, tzinfo=EAST_8), datetime(2026, 4, 30, 0, tzinfo=EAST_8), "weather")
RULE = Rule(
    overdue_more_than_days=30,
    demands_min=1,
    days_after_demand_min=7,
    notice_days_min=3,
    notice_days_max=7,
    short_notice_minutes_min=30,
    short_notice_minutes_max=240,
    cut_window_minutes=120,
    cut_from=time(8),
    cut_until=time(17),
    quiet_days_before_closed=1,
    restore_hours=24,
    zone=EAST_8,
)
SITUATION = Situation(overdue_fen=100_00, oldest_due_on=DUE_ON, is_closed=HOLIDAYS.__contains__, quiet=(STORM,))


def at(month, day, hour=10, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=EAST_8)


def step(what, when, **more):
    evidence: dict[str, Any] = {"by_id": 1, "evidence": "凭证"} | more
    return Step(what=what, at=when, **evidence)


LAWFUL = (
    step(What.CAUSE, at(3, 20)),
    step(What.DEMAND, at(3, 25)),
    step(What.APPROVED, at(4, 16), by_id=2, asked_by_id=1),
    step(What.NOTICE_PRINTED, at(4, 16, 11), announced_at=at(4, 22)),
    step(What.AUTHORITY_INFORMED, at(4, 16, 12)),
    step(What.HOMES_KEPT, at(4, 16, 13)),
    step(What.NOTICE_SERVED, at(4, 17)),
    step(What.SHORT_NOTICE, at(4, 22, 9, 25)),
    step(What.CUT, at(4, 22)),
)


def act(history, one, situation=SITUATION, rule=RULE):
    """Append the step if nothing hinders it."""
    found = hindrances(
        one.what, at=one.at, steps=history, situation=situation, rule=rule, announced_at=one.announced_at
    )
    return [*history, one] if not found else history


def codes(what, when, history, situation=SITUATION, **more):
    return {found.code for found in hindrances(what, at=when, steps=history, situation=situation, rule=RULE, **more)}


class TestTheRoad:
    def test_a_lawful_road_is_walked_to_its_end_and_back(self):
        situation = replace(SITUATION, is_important=True, homes_behind=3)
        history: list[Step] = []
        stages = []
        for one in (*LAWFUL, step(What.RESTORED, at(4, 23))):
            history = act(history, one, situation)
            stages.append(stand(history).stage)

        assert len(history) == len(LAWFUL) + 1
        assert stages == [
            Stage.OVERDUE, Stage.DEMANDED, Stage.APPROVED, Stage.NOTICE_PRINTED, Stage.NOTICE_PRINTED,
            Stage.NOTICE_PRINTED, Stage.NOTICE_SERVED, Stage.SHORT_NOTICE, Stage.CUT, Stage.RESTORED,
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("missing", "code"),
        [
            (What.CAUSE, "no-cause"),
            (What.DEMAND, "no-demand"),
            (What.APPROVED, "not-approved"),
            (What.NOTICE_SERVED, "notice-not-served"),
            (What.AUTHORITY_INFORMED, "authority-not-informed"),
            (What.HOMES_KEPT, "homes-behind"),
            (What.SHORT_NOTICE, "no-short-notice"),
        ],
    )
    def test_without_one_step_there_is_no_cut(self, missing, code):
        situation = replace(SITUATION, is_important=True, homes_behind=1)
        history = [one for one in LAWFUL if one.what not in (missing, What.CUT)]

        assert codes(What.CUT, at(4, 22), history, situation) == {code}

    @pytest.mark.parametrize(
        ("when", "code"),
        [
            (at(4, 22, 9, 59), "before-announced-time"),
            (at(4, 22, 12, 1), "announced-time-over"),
            (at(4, 22, 9, 54), "short-notice-too-fresh"),
        ],
    )
    def test_only_at_the_announced_time(self, when, code):
        assert code in codes(What.CUT, when, LAWFUL[:-1])

    def test_a_hindrance_says_from_when_on_it_is_none(self):
        [found] = hindrances(What.APPROVED, at=at(4, 14), steps=LAWFUL[:2], situation=SITUATION, rule=RULE)

        assert (found.code, found.until) == ("not-long-overdue", at(4, 15, 0))
        assert not hindrances(What.APPROVED, at=at(4, 15, 0), steps=LAWFUL[:2], situation=SITUATION, rule=RULE)

    @pytest.mark.parametrize(
        ("named", "code"),
        [
            (at(4, 19, 10), "announced-too-early"),
            (at(4, 25, 11), "announced-too-late"),
            (at(4, 21, 17), "night"),
            (at(4, 21, 7, 59), "night"),
        ],
    )
    def test_a_notice_names_a_lawful_moment_or_is_not_printed(self, named, code):
        assert codes(What.NOTICE_PRINTED, at(4, 16, 11), LAWFUL[:3], announced_at=named) == {code}

    @pytest.mark.parametrize(("named", "code"), [(at(4, 30), "holiday"), (at(4, 29), "quiet-weather")])
    def test_nor_before_a_holiday_nor_in_a_storm(self, named, code):
        assert codes(What.NOTICE_PRINTED, at(4, 25), LAWFUL[:3], announced_at=named) == {code}

    @pytest.mark.parametrize("what", [What.PAYMENT, What.STOPPED])
    def test_a_payment_or_a_stop_sends_it_back_to_before_the_approval(self, what):
        history = [*LAWFUL[:-1], step(what, at(4, 22, 9, 30))]

        assert stand(history).stage == Stage.DEMANDED
        assert {"not-approved", "notice-not-served", "no-short-notice"} <= codes(What.CUT, at(4, 22), history)

    def test_one_person_cannot_ask_and_approve(self):
        history = [*LAWFUL[:2], replace(LAWFUL[2], by_id=1), *LAWFUL[3:-1]]

        assert codes(What.CUT, at(4, 22), history) == {"not-approved"}

    def test_after_supply_came_back_the_whole_procedure_is_due_again(self):
        history = [*LAWFUL, step(What.RESTORED, at(4, 22, 10, 30))]
        assert {"no-cause", "no-demand"} <= codes(What.APPROVED, at(4, 28), history), "nor asked for without a demand"

        assert {"not-approved", "notice-not-served", "no-short-notice"} <= codes(What.CUT, at(4, 22, 11), history)


# --- Random histories ---------------------------------------------------------------------------

HAPPENINGS = (What.PAYMENT, What.STOPPED, What.LIFTED)
SHIFTS = (
    st.just(timedelta())
    | st.integers(-3, 3).map(lambda days: timedelta(days=days))
    | st.integers(-45, 45).map(lambda minutes: timedelta(minutes=minutes))
    | st.integers(-14, 14).map(lambda hours: timedelta(hours=hours))
)


@st.composite
def histories(draw):
    """The lawful road, bent: steps left out, moved, doubled, done by one person, without proof; payments, stops."""
    shift = draw(st.sampled_from([timedelta(), timedelta(days=7), timedelta(days=8), timedelta(days=9)]))
    tried = []
    for one in LAWFUL:
        for _ in range(draw(st.sampled_from([1] * 24 + [0, 2]))):
            moved = replace(
                one, at=one.at + shift + draw(SHIFTS if draw(st.integers(0, 11)) == 0 else st.just(timedelta()))
            )
            if one.announced_at:
                moved = replace(moved, announced_at=one.announced_at + shift)
            if draw(st.integers(0, 30)) == 0:
                moved = replace(moved, evidence="")
            if draw(st.integers(0, 30)) == 0:
                moved = replace(moved, asked_by_id=moved.by_id)
            tried.append(moved)
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2]))):
        when = at(3, 20) + timedelta(minutes=draw(st.integers(0, 60 * 24 * 45)))
        tried.append(step(draw(st.sampled_from(HAPPENINGS)), when))
    for _ in range(draw(st.integers(0, 2))):
        tried.append(step(What.CUT, at(4, 20) + shift + timedelta(minutes=draw(st.integers(-600, 6000)))))
    return sorted(tried, key=lambda one: one.at)


def lawful_by_the_raw_history(cut, before, *, is_important, homes, stopped):
    """Each condition of the law read anew from everything that was written before a cut."""

    def last(what):
        return max((one for one in before if one.what == what), key=lambda one: one.at, default=None)

    again_from = max(
        (one.at for one in before if one.what in (What.PAYMENT, What.STOPPED, What.RESTORED)),
        default=datetime.min.replace(tzinfo=UTC),
    )
    demands = [one.at for one in before if one.what == What.DEMAND]
    approved, printed = last(What.APPROVED), last(What.NOTICE_PRINTED)
    served, told = last(What.NOTICE_SERVED), last(What.SHORT_NOTICE)
    assert not stopped, "nothing stands against it"
    assert last(What.CAUSE) is not None
    assert (cut.at.astimezone(EAST_8).date() - DUE_ON) > timedelta(days=30)
    assert approved is not None and approved.at >= again_from and approved.by_id != approved.asked_by_id
    assert (approved.at.astimezone(EAST_8).date() - DUE_ON) > timedelta(days=30)
    assert demands and min(demands) <= approved.at - timedelta(days=7)
    assert printed is not None and printed.at >= approved.at
    assert served is not None and served.evidence and served.at >= printed.at
    assert timedelta(days=3) <= cut.at - served.at
    assert printed.announced_at - served.at <= timedelta(days=7)
    assert printed.announced_at <= cut.at <= printed.announced_at + timedelta(hours=2)
    assert told is not None and told.evidence and told.at >= served.at
    assert cut.at - told.at >= timedelta(minutes=30)
    local = cut.at.astimezone(EAST_8)
    assert 8 <= local.hour < 17
    assert not {local.date(), local.date() + timedelta(days=1)} & HOLIDAYS
    assert not STORM[0] <= cut.at < STORM[1]
    if is_important:
        informed = last(What.AUTHORITY_INFORMED)
        assert informed is not None and informed.at >= again_from
    if homes:
        kept = last(What.HOMES_KEPT)
        assert kept is not None and kept.at >= again_from


class TestNobodyIsCutOffEarly:
    @pytest.mark.acceptance("F27")
    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(histories(), st.booleans(), st.sampled_from([0, 2]))
    def test_every_accepted_cut_is_lawful_by_the_raw_history(self, tried, is_important, homes):
        history: list[Step] = []
        stops, is_paid = 0, False
        for one in tried:
            situation = replace(
                SITUATION,
                is_important=is_important,
                homes_behind=homes,
                stops=("dispute",) if stops else (),
                overdue_fen=0 if is_paid else 100_00,
            )
            if one.what in HAPPENINGS:
                history = [*history, one]
                stops = max(0, stops + {What.STOPPED: 1, What.LIFTED: -1}.get(one.what, 0))
                is_paid = is_paid or one.what == What.PAYMENT
                continue
            before, history = history, act(history, one, situation)
            if one.what == What.CUT and history is not before:
                event("cut")
                assert not is_paid
                lawful_by_the_raw_history(one, before, is_important=is_important, homes=homes, stopped=stops)
