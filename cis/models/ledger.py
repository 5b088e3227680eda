"""
The ledger: a list of transfers, each balanced by construction, none ever edited.

A transfer's business key is (kind, document, leg): what kind of act, which bill, payment, reversal or refund it
books, and which leg of it. It is unique for ever, so that no retry can book twice. Accounts of customers have positive
ids computed from the account's own id and keep a balance row; control accounts (income, cash, clearing) have negative
ids and no balance row, so that nothing queues on them: their sums come from day totals.
"""

from __future__ import annotations

from django.db import models


class LedgerKind(models.IntegerChoices):
    """What a customer's ledger account holds; the last digit of its id."""

    RECEIVABLE = 1, "应收电费"
    PREPAYMENT = 2, "预收电费"
    DEPOSIT = 3, "用电保证金"
    WRITTEN_OFF = 4, "账销案存"


STANDING = (LedgerKind.RECEIVABLE, LedgerKind.PREPAYMENT)
"""What every account has; the others are opened when they are first needed."""


class ControlAccount(models.IntegerChoices):
    """The utility's own accounts; their ids are the negatives of these numbers."""

    INCOME_RESIDENTIAL = 6011, "居民电费收入"
    INCOME_COMMERCIAL = 6012, "一般工商业电费收入"
    INCOME_INDUSTRIAL = 6013, "工业电费收入"
    INCOME_AGRICULTURAL = 6014, "农业电费收入"
    FUNDS_PAYABLE = 2241, "代征政府性基金（未分项）"
    """what was booked before each fund had its own"""
    FUND_RURAL = 224101, "应交农网还贷资金"
    FUND_RESERVOIR = 224102, "应交大中型水库移民后期扶持资金"
    FUND_RENEWABLE = 224103, "应交可再生能源电价附加"
    FREE_KWH = 6021, "低保五保免费电量减收"
    CASH = 1001, "库存现金"
    BANK_DEPOSIT = 1002, "银行存款"
    CASH_IN_TRANSIT = 1003, "在途现金（已缴未到账）"
    CARD_CLEARING = 1011, "在途资金：刷卡"
    QR_CLEARING = 1012, "在途资金：扫码"
    WALLET_CLEARING = 1013, "在途资金：电子钱包"
    PAYOUT_CLEARING = 1014, "在途资金：代付"
    WECHAT_CLEARING = 1015, "在途资金：微信支付"
    ALIPAY_CLEARING = 1016, "在途资金：支付宝"
    CHEQUE_CLEARING = 1017, "在途资金：支票"
    DEBIT_CLEARING = 1018, "在途资金：银行代扣"
    TERMINAL_CLEARING = 1019, "在途资金：自助终端"
    NOTES_RECEIVABLE = 1121, "应收票据"
    SHORT_SUSPENSE = 190101, "待处理短款"
    CASH_SHORT = 190102, "待处理现金短缺"
    UNIDENTIFIED = 224191, "待确认到账款"
    LONG_SUSPENSE = 224192, "待处理长款"
    CASH_OVER = 224193, "待处理现金溢余"
    REFUNDS_PAYABLE = 224194, "应付退款"
    SUBSIDY_RECEIVABLE = 1221, "应收可再生能源补贴"
    FEED_IN_PAYABLE = 2202, "应付上网电费"
    FEED_IN_COST = 5401, "分布式上网购电成本"
    PENALTY_INCOME = 6301, "违约使用电费收入"
    LATE_FEES = 6302, "电费违约金收入"
    OTHER_GAINS = 6303, "营业外收入"
    AGENT_COMMISSION = 6602, "代收手续费"
    CHANNEL_FEES = 660301, "渠道手续费"
    DISCOUNT_COST = 660302, "票据贴现利息"
    OTHER_LOSSES = 6711, "营业外支出"
    BAD_DEBTS = 6702, "坏账损失"
    WRITTEN_OFF_MEMO = 9001, "账销案存备查"
    OPENING = 3999, "期初转入"


class TransferKind(models.IntegerChoices):
    """The kinds of acts that are booked; `document_id` is an id of what stands in brackets."""

    BILL_ISSUED = 1, "电费发行"  # (bill)
    PREPAYMENT_APPLIED = 2, "预收抵扣"  # (bill)
    PAYMENT_RECEIVED = 3, "收费"  # (payment)
    PAYMENT_REVERSED = 4, "冲正"  # (reversal)
    PREPAYMENT_REFUNDED = 5, "退预存电费"  # (refund)
    REFUND_SENT = 6, "退款转出"  # (refund; leg 1: one that had failed)
    REFUND_FAILED = 7, "退款未成"  # (refund)
    NOTICE_HELD = 8, "到账待核对"  # (notice of a provider)
    CASH_HANDED_IN = 61, "现金解款"  # (cash deposit slip)
    CASH_BANKED = 62, "解款到账"  # (cash deposit slip)
    DRAWER_DIFFERENCE = 63, "钱箱长短款"  # (drawer shift)
    DRAWER_SETTLED = 64, "钱箱长短款处理"  # (drawer difference)
    CHEQUE_CLEARED = 65, "支票到账"  # (cheque)
    CHEQUE_RETURNED = 66, "支票退票"  # (cheque)
    MONEY_ARRIVED = 71, "到账"  # (bank statement line)
    MONEY_CLAIMED = 72, "到账认领"  # (claim)
    MONEY_SENT_BACK = 73, "到账退回"  # (bank statement line)
    NOTE_COLLECTED = 75, "票据兑付"  # (acceptance bill)
    NOTE_DISCOUNTED = 76, "票据贴现"  # (acceptance bill)
    NOTE_ENDORSED = 77, "票据背书转让"  # (acceptance bill)
    NOTE_DISHONOURED = 78, "票据拒付"  # (acceptance bill)
    AGENT_TOPPED_UP = 81, "代收点备付金存入"  # (agent deposit move)
    AGENT_PAID_OUT = 82, "代收点备付金退回"  # (agent deposit move)
    AGENT_COMMISSION = 83, "代收点手续费"  # (agent settlement)
    CHANNEL_SETTLED = 91, "渠道结算到账"  # (reconciliation)
    DIFFERENCE_RAISED = 92, "对账差异挂账"  # (reconciliation difference)
    DIFFERENCE_RESOLVED = 93, "对账差异处理"  # (reconciliation difference)
    BILL_CORRECTED = 21, "以前账单差额"  # (the bill that takes it)
    BILL_CANCELLED = 22, "账单作废"  # (the cancelled bill)
    BACK_BILL_REFUNDED = 23, "电费退补转预存"  # (back-billing case)
    LATE_FEE_CHARGED = 31, "违约金"  # (late fee charge)
    LATE_FEE_WAIVED = 32, "减免违约金"  # (late fee waiver)
    BILL_WRITTEN_OFF = 33, "核销坏账"  # (written-off bill)
    WRITE_OFF_RECOVERED = 34, "收回已核销"  # (recovery)
    DEPOSIT_HELD = 35, "收存保证金"  # (deposit move)
    DEPOSIT_APPLIED = 36, "保证金抵欠费"  # (deposit move)
    DEPOSIT_RETURNED = 37, "退还保证金"  # (deposit move)
    OPENING_BILL = 51, "期初未收电费"  # (opening bill)
    OPENING_PREPAYMENT = 52, "期初预存"  # (account of an opening import)
    OPENING_WITHDRAWN = 53, "期初转入作废"  # (opening bill or, on leg 2, account of an opening import)
    FEED_IN_OWED = 41, "应付上网电费"  # (feed-in payment)
    FEED_IN_PAID = 42, "上网电费付款"  # (payout line)
    FEED_IN_RETURNED = 43, "上网电费退回"  # (payout line)


class LedgerAccount(models.Model):
    """One of the utility's own accounts, filled from `ControlAccount`; a transfer may name no other negative id."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=100)

    class Meta:
        db_table = "cis_ledger_account"

    def __str__(self) -> str:
        return f"{self.id} {self.name}"


class LedgerBalance(models.Model):
    """
    What a customer's ledger account adds up to; kept by the trigger on transfers, never written otherwise.

    Checks in the database keep prepayments and deposits from being overdrawn, whatever code is wrong.
    """

    ledger_account_id = models.BigIntegerField(primary_key=True)
    debit_fen = models.BigIntegerField(default=0)
    credit_fen = models.BigIntegerField(default=0)

    class Meta:
        db_table = "cis_ledger_balance"

    def __str__(self) -> str:
        return f"{self.ledger_account_id}"


class LedgerTransfer(models.Model):
    """
    One movement of money between two ledger accounts; append-only, written by COPY or INSERT, never changed.

    The application's role has no UPDATE, DELETE or TRUNCATE on this table and triggers refuse them to everybody.
    `account_id` is the customer's account it concerns, 0 where it concerns none.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.SmallIntegerField(choices=TransferKind.choices)
    document_id = models.BigIntegerField()
    leg = models.SmallIntegerField()
    account_id = models.BigIntegerField()
    debit_id = models.BigIntegerField()
    credit_id = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    booked_at = models.DateTimeField()
    business_date = models.DateField()
    run_id = models.BigIntegerField(null=True, blank=True)
    actor_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "cis_ledger_transfer"
        constraints = (
            models.UniqueConstraint(fields=["kind", "document_id", "leg"], name="booked_once"),
            models.CheckConstraint(condition=models.Q(amount_fen__gt=0), name="transfer_is_positive"),
            models.CheckConstraint(
                condition=~models.Q(debit_id=models.F("credit_id")), name="transfer_between_two_accounts"
            ),
        )
        indexes = (
            models.Index(fields=["account_id", "business_date"], name="transfer_of_account"),
            models.Index(fields=["business_date", "id"], name="transfer_of_day"),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class LedgerDay(models.Model):
    """A closed business day: how much it held, and the seal that chains it to the day closed before it."""

    business_date = models.DateField(primary_key=True)
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    transfers = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    previous_seal = models.BinaryField(max_length=32)
    seal = models.BinaryField(max_length=32)

    class Meta:
        db_table = "cis_ledger_day"

    def __str__(self) -> str:
        return f"{self.business_date}"


class LedgerDayBalance(models.Model):
    """
    What one ledger account moved on one closed day, and what it had moved in all by its end.

    Written when the day is closed, for the accounts that moved: it gives day totals of control accounts and the
    balance of any account as of any closed day by one index look-up.
    """

    pk = models.CompositePrimaryKey("ledger_account_id", "business_date")
    ledger_account_id = models.BigIntegerField()
    business_date = models.DateField()
    debit_fen = models.BigIntegerField()
    credit_fen = models.BigIntegerField()
    debit_fen_to_date = models.BigIntegerField()
    credit_fen_to_date = models.BigIntegerField()

    class Meta:
        db_table = "cis_ledger_day_balance"

    def __str__(self) -> str:
        return f"{self.ledger_account_id} {self.business_date}"
