"""More that the database holds against a cut or a stop: plans that are kept, welfare, old demands, a month twice."""

from django.db import migrations

LAW = """
-- Whether a period that begins on a day has been billed: what ran in it is among the open bills, and counts once.
CREATE FUNCTION cis_is_billed(of_account bigint, starts_on date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM cis_bill WHERE account_id = of_account
                   AND period_start <= starts_on AND period_end > starts_on)
$$;

CREATE OR REPLACE FUNCTION cis_fee_stop_keeps_instalments() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    here date := (NEW.ordered_at AT TIME ZONE 'Asia/Shanghai')::date;
BEGIN
    IF EXISTS (SELECT 1 FROM cis_instalment_agreement WHERE account_id = NEW.account_id AND state = 'kept') THEN
        RAISE EXCEPTION 'the instalments are kept' USING ERRCODE = 'DY030';
    END IF;
    IF EXISTS (SELECT 1 FROM cis_budget_plan WHERE account_id = NEW.account_id
               AND (state = 'kept' OR state = 'settled' AND settle_due_on >= here)) THEN
        RAISE EXCEPTION 'a plan of equal amounts is kept' USING ERRCODE = 'DY030';
    END IF;
    IF EXISTS (SELECT 1 FROM cis_free_energy_right WHERE account_id = NEW.account_id AND valid @> here) THEN
        RAISE EXCEPTION 'a household on minimum income is not stopped' USING ERRCODE = 'DY030';
    END IF;
    RETURN NEW;
END $$;

-- Beside the judgement of the balance: what was billed since the estimate does not run any more.
CREATE FUNCTION cis_fee_stop_counts_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    e cis_fee_control_estimate;
    least bigint;
    owed bigint;
    credit bigint;
BEGIN
    SELECT * INTO e FROM cis_fee_control_estimate WHERE id = NEW.estimate_id AND account_id = NEW.account_id;
    SELECT t.stop_below_fen INTO least FROM cis_fee_control_agreement g
    JOIN cis_fee_control_terms t ON t.code = g.terms_code AND t.mode = 'prepaid'
        AND t.valid @> (NEW.ordered_at AT TIME ZONE 'Asia/Shanghai')::date
    WHERE g.id = NEW.agreement_id;
    IF least IS NULL OR e.id IS NULL OR NOT cis_is_billed(NEW.account_id, e.period_start) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(sum(debit_fen - credit_fen), 0) INTO owed FROM cis_ledger_balance
    WHERE ledger_account_id IN (NEW.account_id * 10 + 1, NEW.account_id * 10 + 2);
    SELECT coalesce(sum(credit_fen), 0) INTO credit FROM cis_fee_control_step
    WHERE account_id = NEW.account_id AND what = 'credit' AND period_start = e.period_start;
    IF credit - owed >= least THEN
        RAISE EXCEPTION 'the balance is not below the threshold' USING ERRCODE = 'DY030';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_fee_stop_counts_once BEFORE INSERT ON cis_fee_control_command
FOR EACH ROW WHEN (NEW.kind = 'stop') EXECUTE FUNCTION cis_fee_stop_counts_once();

-- Supply that came back is cut again by the whole procedure only; who has energy free is not cut at all.
CREATE FUNCTION cis_cut_is_demanded_anew() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    here date := (NEW.at AT TIME ZONE 'Asia/Shanghai')::date;
    back bigint;
    approved timestamptz;
    r cis_disconnection_rule;
BEGIN
    IF EXISTS (SELECT 1 FROM cis_free_energy_right f JOIN cis_arrears_case c ON c.account_id = f.account_id
               WHERE c.id = NEW.case_id AND f.valid @> here) THEN
        RAISE EXCEPTION 'a household on minimum income is not cut off' USING ERRCODE = 'DY020';
    END IF;
    SELECT max(id) INTO back FROM cis_arrears_step WHERE case_id = NEW.case_id AND what = 'restored';
    IF back IS NULL THEN
        RETURN NEW;
    END IF;
    SELECT * INTO r FROM cis_disconnection_rule WHERE id = NEW.rule_id;
    SELECT at INTO approved FROM cis_arrears_step
    WHERE case_id = NEW.case_id AND what = 'approved' AND id > back ORDER BY id DESC LIMIT 1;
    IF NOT EXISTS (SELECT 1 FROM cis_arrears_step WHERE case_id = NEW.case_id AND what = 'cause' AND id > back) THEN
        RAISE EXCEPTION 'the cause of the arrears is not known' USING ERRCODE = 'DY020';
    END IF;
    IF (SELECT count(*) FROM cis_arrears_step WHERE case_id = NEW.case_id AND what = 'demand' AND id > back
        AND at <= approved - make_interval(days => r.days_after_demand_min)) < r.demands_min THEN
        RAISE EXCEPTION 'the debt was not demanded since supply came back' USING ERRCODE = 'DY020';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_arrears_cut_is_demanded_anew BEFORE INSERT ON cis_arrears_step
FOR EACH ROW WHEN (NEW.what = 'cut') EXECUTE FUNCTION cis_cut_is_demanded_anew();
"""
UNDO = """
DROP TRIGGER cis_arrears_cut_is_demanded_anew ON cis_arrears_step;
DROP FUNCTION cis_cut_is_demanded_anew();
DROP TRIGGER cis_fee_stop_counts_once ON cis_fee_control_command;
DROP FUNCTION cis_fee_stop_counts_once();
CREATE OR REPLACE FUNCTION cis_fee_stop_keeps_instalments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM cis_instalment_agreement WHERE account_id = NEW.account_id AND state = 'kept') THEN
        RAISE EXCEPTION 'the instalments are kept' USING ERRCODE = 'DY030';
    END IF;
    RETURN NEW;
END $$;
DROP FUNCTION cis_is_billed(bigint, date);
"""


class Migration(migrations.Migration):
    """Two triggers and a function, and one that asks for more."""

    dependencies = [("cis", "0041_declared_days")]

    operations = [migrations.RunSQL(LAW, UNDO)]
