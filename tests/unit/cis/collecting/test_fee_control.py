"""Nobody is stopped unwarned, at night, on a holiday, in a heat warning: random histories against the raw facts."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cis.collecting.fee_control import Agreement, Decision, Happened, Mode, Situation, Step, Terms, decide

EAST_8 = timezone(timedelta(hours=8))
HOLIDAYS = {date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 3)}
TERMS = Terms(
    mode=Mode.PREPAID,
    warn_below_fen=50_00,
    stop_below_fen=0,
    reconnect_from_fen=1,
    grace_days=7,
    last_warning_minutes=30,
    last_warning_lasts_minutes=90,
    emergency_credit_fen=30_00,
    stop_from=time(8),
    stop_until=time(17),
    quiet_days_before_closed=1,
    reconnect_hours=24,
    zone=EAST_8,
)
AGREEMENT = Agreement(TERMS, date(2026, 1, 1))
SITUATION = Situation(is_closed=HOLIDAYS.__contains__)


def at(month, day, hour=10, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=EAST_8)


def told(what, when):
    return Step(what, when, when)


WARNED = told(Happened.WARNED, at(4, 1))
ANNOUNCED = told(Happened.ANNOUNCED, at(4, 3))
LAST = told(Happened.LAST_WARNED, at(4, 10, 10))
ROAD = (WARNED, ANNOUNCED, LAST)
ORDERED = (*ROAD, Step(Happened.STOP_ORDERED, at(4, 10, 10, 40)))
AWAY = (*ORDERED, Step(Happened.STOPPED, at(4, 10, 10, 41)))


def of(when, balance, steps=ROAD, agreement=AGREEMENT, situation=SITUATION):
    return decide(at=when, agreement=agreement, balance_fen=balance, steps=steps, situation=situation, terms=TERMS)


class TestTheRoad:
    def test_from_a_low_balance_to_the_stop_and_back(self):
        steps: list[Step] = []
        seen = []
        for when, balance, happened in (
            (at(4, 1), 60_00, None),
            (at(4, 1), 49_99, Happened.WARNED),
            (at(4, 2), 10_00, None),
            (at(4, 3), -1, Happened.ANNOUNCED),
            (at(4, 10, 9, 59), -20_00, None),
            (at(4, 10), -20_00, Happened.LAST_WARNED),
            (at(4, 10, 10, 29), -20_00, None),
            (at(4, 10, 10, 30), -20_00, Happened.STOP_ORDERED),
            (at(4, 10, 12), -20_00, None),
            (at(4, 10, 20), 5_00, Happened.RECONNECT_ORDERED),
            (at(4, 10, 20, 5), 5_00, Happened.RECONNECTED),
        ):
            seen.append(of(when, balance, steps).decision.value)
            steps += [told(happened, when)] if happened else []

        assert seen == [
            "nothing", "warn", "nothing", "announce", "nothing", "last-warning", "nothing", "stop", "nothing",
            "reconnect", "nothing",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"when": at(4, 9, 9)}, "grace"),
            ({"when": at(4, 10, 10, 20)}, "last-warning-too-fresh"),
            ({"steps": (WARNED, Step(Happened.ANNOUNCED, at(4, 3)), LAST)}, "not-reached"),
            ({"steps": (*ROAD[:2], Step(Happened.LAST_WARNED, at(4, 10)))}, "not-reached"),
            ({"balance": None}, "balance-unknown"),
            ({"agreement": None}, "no-agreement"),
            ({"agreement": replace(AGREEMENT, until_on=date(2026, 4, 10))}, "no-agreement"),
            ({"situation": replace(SITUATION, stops=("life-support",))}, "life-support"),
            ({"situation": replace(SITUATION, stops=("dispute",))}, "dispute"),
            ({"situation": replace(SITUATION, quiet=((at(4, 10, 0), at(4, 11, 0), "weather"),))}, "quiet-weather"),
            ({"situation": replace(SITUATION, is_closed={date(2026, 4, 11)}.__contains__)}, "holiday"),
        ],
    )
    def test_is_not_stopped_where_one_thing_is_missing_or_stands_against_it(self, changed, why):
        assert of(at(4, 10, 10, 45), -1).decision is Decision.STOP
        found = of(**({"when": at(4, 10, 10, 45), "balance": -1} | changed))

        assert (found.decision, found.why_not) == (Decision.NOTHING, (why,))

    def test_neither_warned_shortly_nor_stopped_at_night(self):
        for when in (at(4, 10, 16, 31), at(4, 10, 17), at(4, 11, 7, 59)):
            assert of(when, -1, ROAD[:2]).why_not == ("night",)
        assert of(at(4, 10, 16, 30), -1, ROAD[:2]).why_not == ("night",), "the stop it speaks of would be at 17:00"
        assert of(at(4, 10, 16, 29), -1, ROAD[:2]).decision is Decision.LAST_WARNING

    def test_a_last_warning_gets_stale(self):
        assert of(at(4, 10, 12), -1).decision is Decision.STOP
        assert of(at(4, 10, 12, 1), -1).decision is Decision.LAST_WARNING

    def test_emergency_credit_keeps_the_lights_on_and_ones_own_threshold_warns_earlier(self):
        assert (
            of(at(4, 10, 10, 45), -20_00, situation=replace(SITUATION, credit_fen=30_00)).decision is not Decision.STOP
        )
        assert of(at(4, 1), 80_00, (), replace(AGREEMENT, own_warn_fen=100_00)).decision is Decision.WARN

    def test_what_recovered_is_announced_anew(self):
        assert of(at(4, 10, 10, 45), -1, (*ROAD, Step(Happened.RECOVERED, at(4, 10)))).decision is Decision.ANNOUNCE
        assert of(at(4, 12), 40_00, (*ROAD, Step(Happened.REFILLED, at(4, 10)))).decision is Decision.WARN

    @pytest.mark.parametrize(
        "changed",
        [
            {"agreement": None},
            {"agreement": replace(AGREEMENT, until_on=date(2026, 4, 11))},
            {"situation": replace(SITUATION, stops=("life-support",))},
            {"balance": 1},
        ],
    )
    def test_supply_comes_back_at_any_hour_once_the_reason_is_gone(self, changed):
        assert of(at(5, 1, 3), -1, AWAY).decision is Decision.NOTHING
        asked = {"when": at(5, 1, 3), "balance": -1, "steps": AWAY} | changed
        assert of(**asked).decision is Decision.RECONNECT
        asked["steps"] = (*AWAY, Step(Happened.RECONNECT_ORDERED, at(5, 1, 3)))
        assert of(**asked).decision is Decision.NOTHING
        asked["steps"] = (*asked["steps"], Step(Happened.RECONNECT_FAILED, at(5, 1, 3)))
        assert of(**asked).decision is Decision.RECONNECT

    @pytest.mark.parametrize(
        ("balance", "steps"),
        [(0, ORDERED), (None, ORDERED), (-1, (*ORDERED, Step(Happened.RECOVERED, at(4, 10, 10, 41))))],
    )
    def test_a_stop_that_nobody_carried_out_is_taken_back_with_any_condition_of_its_own(self, balance, steps):
        assert of(at(4, 10, 10, 45), -1, ORDERED).decision is Decision.NOTHING
        assert of(at(4, 10, 10, 45), balance, steps).decision is Decision.RECONNECT

    def test_post_paid_comes_back_with_the_case_not_with_one_fen(self):
        agreement = replace(AGREEMENT, terms=replace(TERMS, mode=Mode.POSTPAID))
        touched = replace(SITUATION, is_cut_by_case=True, is_cut_touched=True)
        asked = {"when": at(4, 10, 12), "balance": -1, "agreement": agreement, "situation": touched}
        assert of(**asked, steps=AWAY).decision is Decision.NOTHING
        assert of(**asked, steps=ORDERED).decision is Decision.RECONNECT, "not carried out, and not lawful any more"
        assert of(**asked).why_not == ("no-lawful-cut",), "and nobody is stopped by it anew"
        assert of(**asked | {"situation": SITUATION}, steps=AWAY).decision is Decision.RECONNECT

    def test_post_paid_is_stopped_by_the_procedure_of_arrears_only(self):
        agreement = replace(AGREEMENT, terms=replace(TERMS, mode=Mode.POSTPAID))
        asked = {"when": at(4, 10, 10, 45), "balance": -1, "agreement": agreement}
        assert of(**asked).why_not == ("no-lawful-cut",)
        lawful = replace(SITUATION, is_cut_by_case=True)
        assert of(**asked, situation=lawful).decision is Decision.STOP
        assert of(**asked | {"when": at(4, 10, 18)}, situation=lawful).why_not == ("night",)


# --- Random histories ---------------------------------------------------------------------------

STEP = timedelta(minutes=10)
START = at(4, 20, 6)


@st.composite
def lives(draw):
    """Some weeks of an account: what happens to it at which tenth minute."""
    span = 6 * 24 * 21
    spot = st.integers(0, span)
    spans = st.lists(st.tuples(spot, st.integers(1, 6 * 48)), max_size=3)
    return {
        "terms": draw(
            st.sampled_from([TERMS, replace(TERMS, grace_days=0, warn_below_fen=30_00), replace(TERMS, grace_days=2)])
        ),
        "start": draw(st.integers(-10_00, 60_00)),
        "a_day": draw(st.integers(50, 20_00)),
        "payments": {draw(spot): draw(st.integers(1, 100_00)) for _ in range(draw(st.integers(0, 4)))},
        "quiet": draw(spans),
        "protected": draw(spans),
        "unknown": draw(spans),
        "until": draw(st.none() | st.integers(3, 25)),
        "delays": draw(st.lists(st.sampled_from([0, 0, 1, 30, None]), min_size=1, max_size=5)),
        "failures": draw(st.lists(st.booleans(), min_size=1, max_size=4)),
        "span": span,
    }


def inside(spans, n):
    return any(first <= n < first + length for first, length in spans)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives())
def test_nobody_is_stopped_against_the_rule_and_everybody_comes_back(life):
    """The kernel asked every ten minutes for three weeks; each stop judged from what happened, not by the kernel."""
    terms = life["terms"]
    until = None if life["until"] is None else (START + timedelta(days=life["until"])).date()
    agreement = Agreement(terms, START.date(), until)
    quiet = tuple((START + first * STEP, START + (first + length) * STEP, "weather") for first, length in life["quiet"])
    balance, stops, is_away = life["start"], 0, False
    steps: list[Step] = []
    for n in range(0, life["span"], 3):
        now = START + n * STEP
        balance += sum(life["payments"].get(n + part, 0) for part in range(3)) - life["a_day"] // 48
        if not is_away and steps and steps[-1].what is not Happened.RECOVERED and balance >= terms.stop_below_fen:
            steps.append(Step(Happened.RECOVERED, now))
        stops_now = ("life-support",) if inside(life["protected"], n) else ()
        known = None if inside(life["unknown"], n) else balance
        steps = [
            replace(one, reached_at=now)
            if one.reached_at is None and (delay := delays_of(life, one, steps)) is not None and now >= one.at + delay
            else one
            for one in steps
        ]
        found = decide(
            at=now,
            agreement=agreement,
            balance_fen=known,
            steps=steps,
            situation=Situation(stops=stops_now, quiet=quiet, is_closed=HOLIDAYS.__contains__),
        )
        match found.decision:
            case Decision.WARN | Decision.ANNOUNCE | Decision.LAST_WARNING:
                what = {
                    Decision.WARN: Happened.WARNED,
                    Decision.ANNOUNCE: Happened.ANNOUNCED,
                    Decision.LAST_WARNING: Happened.LAST_WARNED,
                }[found.decision]
                steps.append(Step(what, now))
            case Decision.STOP:
                lawful(now, known, agreement, quiet, stops_now, steps, terms)
                steps.append(Step(Happened.STOP_ORDERED, now))
                stops += 1
                is_away = life["failures"][stops % len(life["failures"])]
                steps.append(Step(Happened.STOPPED if is_away else Happened.STOP_FAILED, now))
            case Decision.RECONNECT:
                assert is_away
                steps += [Step(Happened.RECONNECT_ORDERED, now), Step(Happened.RECONNECTED, now)]
                is_away = False
        is_healthy = known is not None and known >= terms.reconnect_from_fen
        if is_away and (is_healthy or stops_now or (until is not None and now.date() >= until)):
            raise AssertionError(f"supply is away at {now} though nothing keeps it away")
    event(f"stopped {min(stops, 2)} times")


def delays_of(life, one, steps):
    """How long until the customer is reached by a step; None: never."""
    if one.what not in (Happened.WARNED, Happened.ANNOUNCED, Happened.LAST_WARNED):
        return None
    hours = life["delays"][steps.index(one) % len(life["delays"])]
    return None if hours is None else timedelta(hours=hours)


def lawful(now, balance, agreement, quiet, stops, steps, terms):
    """Every promise read anew from the raw history."""
    assert agreement.from_on <= now.date() and (agreement.until_on is None or now.date() < agreement.until_on)
    assert balance is not None and balance < terms.stop_below_fen
    assert not stops
    assert time(8) <= now.time() < time(17), "at night"
    assert now.date() not in HOLIDAYS and now.date() + timedelta(days=1) not in HOLIDAYS, "on or before a holiday"
    assert not any(start <= now < end for start, end, _code in quiet), "in a heat warning"
    since = max((number for number, one in enumerate(steps) if one.what in RESETS), default=-1)
    mine = steps[since + 1 :]
    announced = [one.reached_at for one in mine if one.what is Happened.ANNOUNCED and one.reached_at]
    last = [one.reached_at for one in mine if one.what is Happened.LAST_WARNED and one.reached_at]
    assert announced and min(announced) + timedelta(days=terms.grace_days) <= now, "without the warning and its grace"
    assert last and last[-1] + timedelta(minutes=30) <= now, "without a last warning"


RESETS = (Happened.RECOVERED, Happened.REFILLED, Happened.RECONNECTED)
