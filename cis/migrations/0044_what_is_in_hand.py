"""Nobody is cut off whose prepayment and credits cover what is overdue."""

from django.db import migrations

LAW = """
-- What an account has in hand: its prepayment, and the credits of corrections that its next bill gives back; fen.
CREATE FUNCTION cis_in_hand_fen(of_account bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT credit_fen - debit_fen FROM cis_ledger_balance
                     WHERE ledger_account_id = of_account * 10 + 2), 0)
         + coalesce((SELECT -sum(amount_fen)::bigint FROM cis_bill_correction
                     WHERE account_id = of_account AND state = 'standing' AND amount_fen < 0), 0)
$$;
CREATE FUNCTION cis_cut_needs_a_debt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    here date := (NEW.at AT TIME ZONE 'Asia/Shanghai')::date;
    of_account bigint;
    overdue bigint;
BEGIN
    SELECT account_id INTO of_account FROM cis_arrears_case WHERE id = NEW.case_id;
    SELECT coalesce(sum(open_fen), 0) INTO overdue FROM cis_bill
    WHERE account_id = of_account AND open_fen > 0 AND due_on < here;
    IF overdue <= cis_in_hand_fen(of_account) THEN
        RAISE EXCEPTION 'what is in hand covers what is overdue' USING ERRCODE = 'DY020';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_arrears_cut_needs_a_debt BEFORE INSERT ON cis_arrears_step
FOR EACH ROW WHEN (NEW.what = 'cut') EXECUTE FUNCTION cis_cut_needs_a_debt();
"""
UNDO = """
DROP TRIGGER cis_arrears_cut_needs_a_debt ON cis_arrears_step;
DROP FUNCTION cis_cut_needs_a_debt();
DROP FUNCTION cis_in_hand_fen(bigint);
"""


class Migration(migrations.Migration):
    """A function and a trigger."""

    dependencies = [("cis", "0043_demonstration_tables")]

    operations = [migrations.RunSQL(LAW, UNDO)]
