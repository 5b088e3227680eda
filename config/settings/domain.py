"""Settings of the trade: numbers a utility may choose. Each says where its default comes from."""

import json
import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

# Account numbers (户号) of State Grid companies have ten digits; 13 and 16 are in use elsewhere.
ACCOUNT_NO_LENGTH = 10
# What the last digit of a new account number is: "none" (part of the number) or "mod11" (weights 2 to 7 from the
# right, modulo 11; numbers that would need an X are skipped). Numbers that come from elsewhere are never checked.
ACCOUNT_NO_CHECK = "none"

# Bills, business days and deadlines are counted in China's one civil time zone.
BILLING_TIME_ZONE = ZoneInfo("Asia/Shanghai")

# Simulated outside systems (message page, wallet), for demonstrations and tests; never in production.
SIMULATORS = os.environ.get("DAYINGXIAO_ENV", "production") != "production"

# The wallet channel. Without keys it is not offered; where SIMULATORS run it makes its own into the key file.
WALLET_APP_ID = os.environ.get("WALLET_APP_ID") or "dayingxiao-demo"
WALLET_MERCHANT_PRIVATE_KEY = os.environ.get("WALLET_MERCHANT_PRIVATE_KEY", "")  # PEM, ours
WALLET_PUBLIC_KEY = os.environ.get("WALLET_PUBLIC_KEY", "")  # PEM, the wallet's
# Where payers are sent; empty for the simulator.
WALLET_GATEWAY = os.environ.get("WALLET_GATEWAY", "")
# Where the wallet reaches us, such as https://pay.example.cn; empty for the address the customer used.
WALLET_NOTIFY_BASE = os.environ.get("WALLET_NOTIFY_BASE", "")
WALLET_KEY_FILE = str(Path(__file__).resolve().parents[2] / "var" / "wallet-keys.json")

# WeChat Pay (API v3) and Alipay (open platform). Without keys they are not offered; where SIMULATORS run and no keys
# are given, `make run` starts simulated ones that say what they are, and keys are made into the key file.
_VAR = Path(__file__).resolve().parents[2] / "var"
WECHAT_PAY: dict[str, Any] = {
    "app_id": os.environ.get("WECHAT_PAY_APP_ID")
    or os.environ.get("WECHAT_APP_ID")
    or ("" if os.environ.get("WECHAT_PAY_PRIVATE_KEY") else "wx-simulated"),
    # The mini program's app id, bound to the same merchant.
    "mini_app_id": os.environ.get("WECHAT_MINI_APP_ID")
    or ("wx-simulated-mini" if SIMULATORS and not os.environ.get("WECHAT_PAY_PRIVATE_KEY") else ""),
    "mchid": os.environ.get("WECHAT_PAY_MCHID", ""),
    "serial": os.environ.get("WECHAT_PAY_SERIAL", ""),  # of our API certificate
    "private_pem": os.environ.get("WECHAT_PAY_PRIVATE_KEY", ""),
    "api_key": os.environ.get("WECHAT_PAY_API_V3_KEY", ""),
    "public_key_id": os.environ.get("WECHAT_PAY_PUBLIC_KEY_ID", ""),
    "public_pem": os.environ.get("WECHAT_PAY_PUBLIC_KEY", ""),
    # Platform certificates of the older way, as JSON: serial to PEM.
    "certificates": json.loads(os.environ.get("WECHAT_PAY_CERTIFICATES") or "{}"),
    "gateway": os.environ.get("WECHAT_PAY_GATEWAY")
    or ("https://api.mch.weixin.qq.com" if os.environ.get("WECHAT_PAY_PRIVATE_KEY") else ""),
    "key_file": str(_VAR / "wechat-pay-keys.json"),
}
ALIPAY: dict[str, str] = {
    "app_id": os.environ.get("ALIPAY_APP_ID", ""),
    "seller_id": os.environ.get("ALIPAY_SELLER_ID", ""),
    "private_pem": os.environ.get("ALIPAY_PRIVATE_KEY", ""),
    "public_pem": os.environ.get("ALIPAY_PUBLIC_KEY", ""),
    "gateway": os.environ.get("ALIPAY_GATEWAY")
    or ("https://openapi.alipay.com/gateway.do" if os.environ.get("ALIPAY_PRIVATE_KEY") else ""),
    "key_file": str(_VAR / "alipay-keys.json"),
}
# --- Webhooks to connected clients ---
# Ports that are called; https on public addresses alone. Plain http where SIMULATORS run, never in production.
WEBHOOK_PORTS = tuple(int(port) for port in (os.environ.get("WEBHOOK_PORTS") or "443").split(","))
WEBHOOK_PLAIN = SIMULATORS
# Networks that are called although they are not public, such as a bank's front machine on a leased line: 10.20.30.0/28.
WEBHOOK_NEAR = tuple(ip_network(one.strip()) for one in os.environ.get("WEBHOOK_NEAR", "").split(",") if one.strip())
# A file of certificates that are believed instead of the system's, where banks have an authority of their own.
WEBHOOK_CA_FILE = os.environ.get("WEBHOOK_CA_FILE", "")
# Standard Webhooks, deliverability and reliability: an answer within 15 to 30 s; the waits between ten tries.
WEBHOOK_TIMEOUT_S = 15.0
WEBHOOK_RETRY_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
WEBHOOK_JITTER = 0.2
# Days without one success after which an endpoint is switched off (convention).
WEBHOOK_OFF_AFTER_DAYS = 5

# Programs that play providers beside those of messages, each with where it listens; started by `make run` only.
SIMULATED_PROVIDERS: tuple[str, ...] = (
    "payments.simulators.agreed.wechat_pay",
    "payments.simulators.agreed.alipay",
)

# Signing in to the portal with WeChat (page authorisation of an official account). Without an app id it is not offered;
# where SIMULATORS run and none is given, a simulated WeChat answers under /sim/wechat/ and says what it is.
_WECHAT_IS_REAL = bool(os.environ.get("WECHAT_APP_ID"))
_WECHAT_IS_SIMULATED = SIMULATORS and not _WECHAT_IS_REAL
WECHAT_APP_ID = os.environ.get("WECHAT_APP_ID") or ("wx-simulated" if _WECHAT_IS_SIMULATED else "")
WECHAT_APP_SECRET = os.environ.get("WECHAT_APP_SECRET") or ("simulated" if _WECHAT_IS_SIMULATED else "")
# Empty for the simulator.
WECHAT_AUTHORIZE_URL = (
    os.environ.get("WECHAT_AUTHORIZE_URL") or "https://open.weixin.qq.com/connect/oauth2/authorize"
    if _WECHAT_IS_REAL
    else ""
)
WECHAT_API_BASE = os.environ.get("WECHAT_API_BASE") or "https://api.weixin.qq.com" if _WECHAT_IS_REAL else ""
# Signing in to the mini program (`wx.login` and code2session). It has an app id and a secret of its own; without one,
# where SIMULATORS run, a simulated WeChat answers under /sim/wechat/ and says what it is.
_MINI_IS_REAL = bool(os.environ.get("WECHAT_MINI_APP_ID"))
_MINI_IS_SIMULATED = SIMULATORS and not _MINI_IS_REAL
WECHAT_MINI_APP_ID = os.environ.get("WECHAT_MINI_APP_ID") or ("wx-simulated-mini" if _MINI_IS_SIMULATED else "")
WECHAT_MINI_APP_SECRET = os.environ.get("WECHAT_MINI_APP_SECRET") or ("simulated-mini" if _MINI_IS_SIMULATED else "")
# Empty for the simulator.
WECHAT_MINI_API_BASE = os.environ.get("WECHAT_MINI_API_BASE") or "https://api.weixin.qq.com" if _MINI_IS_REAL else ""
# A customer's app stays signed in so long, so long without being used, and on so many devices at once (ours).
APP_SESSION_LASTS = timedelta(days=30)
APP_SESSION_IDLE = timedelta(days=7)
APP_SESSIONS_AT_ONCE = 10
# What one customer's app may ask in a minute, by kind: reading, changing something, paying, asking a provider about an
# order; and one network address at the door, behind which a whole office may stand (ours).
MY_API_LIMITS = {"read": 120, "write": 20, "pay": 10, "ask": 20, "door": 60}

# Days from a bill's issue to its due date. Contracts decide; published examples use the 15th of the month
# (billing-rules, section 5).
BILL_DUE_DAYS = 15

# A reading this many days before or after the route's reading day still closes the cycle (convention; routes that are
# read by hand take some days).
READING_DAY_TOLERANCE_DAYS = 5
# So many estimates of a register may follow each other; then somebody must read it (billing-rules 3.3, convention).
MAX_CONSECUTIVE_ESTIMATES = 2
# From this contract capacity on, the limits for large customers judge a rise or fall (the bound below which everybody
# has a single-part tariff, billing-rules 2.1).
LARGE_CUSTOMER_KVA = 100
# Imports over the web with more new readings than this are validated by a job instead of inside the request.
READINGS_VALIDATED_AT_ONCE = 100_000

# Degree-days, by which a bill's difference is laid to the weather: cooling above 26 °C, heating below 18 °C, of the
# day's mean (CDD26 and HDD18 of GB 50176 and JGJ 26), in 0.01 °C. The weather is blamed only where so many of the
# customer's own days, or bills, are known and the line explains so many thousandths of what they differ (convention).
COOLING_BASE_C_E2 = 26_00
HEATING_BASE_C_E2 = 18_00
WEATHER_LEAST_DAYS = 30
WEATHER_LEAST_PERMILLE_BY_DAY = 300
WEATHER_LEAST_BILLS = 9
WEATHER_LEAST_PERMILLE_BY_BILL = 600

# Business days are closed by themselves half an hour after midnight; without it somebody runs `manage.py close_day`.
LEDGER_AUTO_CLOSE = True

# Nobody is woken by what can wait: from, to, in the billing time zone (Aliyun sends notices of promotion from 8 to 22
# only; we hold ourselves to it for all that is not urgent).
MESSAGE_QUIET_HOURS = ("22:00", "08:00")
# How customers hear of new bills: "in_app" for those who use the portal; "sms" for the others, which costs money for
# every household and month and is therefore a utility's own choice. Reminders of unpaid bills are another matter.
BILL_NOTICES = tuple(part for part in os.environ.get("BILL_NOTICES", "in_app").split(",") if part)
# What somebody typed into a form and did not send is kept so long: over a night, and no longer, for it may hold
# personal data and counter machines are shared (convention).
DRAFT_LIFETIME = timedelta(hours=24)
# The customers one served lately are remembered so long (convention; the list on the home page holds eight).
SERVED_REMEMBERED = timedelta(days=30)

# --- Who looked (audit of reading) ---
# Looks at records are kept so many days; the database itself keeps half a year (the law's minimum for logs, 网络安全法
# article 21) whatever stands here.
AUDIT_LOOKS_KEPT_DAYS = 1095
# A day of one member of staff is put first for auditors with so many records opened and not served...
AUDIT_MANY_NOT_SERVED = 30
# ... or with so many records opened before the first hour or from the second hour on (convention).
AUDIT_HOURS = (7, 20)
AUDIT_FEW_OUTSIDE_HOURS = 5

# --- Load and forecasts (dsm) ---
# The forecaster whose figures the house uses, by its name in dsm/forecasting/registry.py.
DSM_FORECASTER = "linear_by_slot"
# A quarter-hour of load counts as known when so many per cent of the points delivered it, and a day when so many of
# its quarter-hours are known (convention; what is missing is never made up by scaling the rest).
DSM_KNOWN_FROM_PERCENT = 98
# Load older than so many days says too little about tomorrow: then no forecast is made (convention).
DSM_LOAD_STALE_AFTER_DAYS = 3
# Each morning the load of so many days back is computed anew, for curves that came late (convention).
DSM_LATE_CURVE_DAYS = 14
# Days of history that a forecast learns from: three years (convention; forecast-anchors 1 uses all there is).
DSM_HISTORY_DAYS = 1100
# When tomorrow is forecast each day, in the billing time zone; yesterday's curves are in by then (convention; the
# protocol of forecast-anchors 1 issues at ten).
DSM_FORECAST_HOUR = 10

# --- Shortage plans (dsm) ---
# Warning levels I to IV by the gap as a share of the current maximum demand, in per cent; and to which level a share of
# exactly the bound belongs (domain 2.1: published plans differ; the NDRC text reads 20 % and above, 10 to 20, 5 to 10).
DSM_LEVELS_PCT = (20, 10, 5)
DSM_LEVELS_AT_BOUND = ("I", "II", "III")
# A plan covers so much more than the gap (domain 9, proposal).
DSM_MARGIN_PCT = 3
# Security load where nobody surveyed it, of the highest load (domain 2.2: at most 15 % in published rotation plans).
DSM_SECURITY_DEFAULT_PCT = 15
# Notice in hours by measure: 错峰 a day, 避峰 hours (domain 2.1: practice and proposal, check the local plan).
DSM_NOTICE_H = {"shift": 24.0, "avoid": 4.0, "limit": 2.0}
# Plans count notice from so many hours after a shortage is put down: the authority, a leader and the dispatcher take
# their time before orders go out (convention).
DSM_ISSUE_AFTER_H = 2.0
# How much of a customer's compensation a measure earns, in per cent: none for rotation (domain 2.6, S4), local law.
DSM_COMPENSATED_PCT = {"shift": 0, "avoid": 100, "limit": 100}
# The windows in which customers may be cut: measure, from hour, to hour (domain 2.5: production shifts; proposal).
DSM_BLOCKS = (
    ("shift", 0, 8), ("shift", 8, 16), ("shift", 16, 24), ("shift", 0, 24),
    ("avoid", 8, 13), ("avoid", 13, 18), ("avoid", 17, 22), ("avoid", 13, 22),
    ("limit", 0, 24), ("limit", 0, 8), ("limit", 5, 22), ("limit", 8, 13), ("limit", 13, 18), ("limit", 17, 22),
    ("limit", 22, 24),
)  # fmt: skip
# Rotation groups of a list: one a day of the week (domain 2.2, 开X停Y).
DSM_ROTATION_GROUPS = 7
# What is expected of a single customer: the mean of so many whole days before (convention).
DSM_CUSTOMER_BASE_DAYS = 10
# The optimum: what its solvers may take, when its process is killed, how many cells customers are pooled into. Solvers
# overrun their limit (measured: 112 s for 15 s), so the kill is what holds.
DSM_SOLVER_SECONDS = 30.0
DSM_SOLVER_KILL_S = 55.0
DSM_SOLVER_CELLS = 1200

# --- Indicators ---
# Aims are the utility's own; what stands here is an example to be replaced (convention). In the figure's unit: 0.01 %.
COLLECTION_RATE_TARGET_E2 = 99_50
LINE_LOSS_TARGET_E2 = 5_00
# The pass line of provincial dispatch (forecast-anchors 6); small utilities cannot reach it and set their own.
FORECAST_ACCURACY_TARGET_E2 = 97_00

# --- Customer relations (crm) ---
# Accounts a shard of the nightly profiles holds: a shard reads its curves at once, some 25 kB an account (convention).
CRM_PROFILE_SHARD = 1000
# Whole days of quarter-hours that shapes and closures are told from (domain 4.1, proposal).
CRM_CURVE_DAYS = 28
# Limits of tag definitions that the utility sets otherwise than their files: {"use.growth": {"change_permille": 50}}.
CRM_TAG_LIMITS: dict[str, dict[str, int]] = {}
# From where on a tier begins: contracted capacity in kVA, energy of twelve months in whole kWh (domain 4.2, proposal:
# 315 kVA with a transformer of one's own, 1000 kVA or 1 GWh key account, 8000 kVA or 20 GWh VIP).
CRM_TIER_LIMITS = {
    "dedicated_kva": 315,
    "key_kva": 1000,
    "key_kwh": 1_000_000,
    "vip_kva": 8000,
    "vip_kwh": 20_000_000,
}
# An override of a tier lasts so many days at most (convention).
CRM_OVERRIDE_MAX_DAYS = 366
# A bill is a shock when it is so many thousandths above what it is compared with, and so much money (convention).
CRM_BILL_SHOCK_RISE_PERMILLE = 500
CRM_BILL_SHOCK_RISE_FEN = 10_000
# Bills issued longer ago than this wake nobody (convention).
CRM_BILL_SHOCK_FRESH_DAYS = 30
# Below so many ratings a mean is drawn to that of the unit above (domain 9, survey.min_n).
SURVEY_MIN_N = 30
# Below so many ratings nobody but those who answer for the unit sees figures about one person (convention).
SURVEY_ANONYMOUS_BELOW = 5
# Emergencies of key accounts: reply and arrival in minutes from receipt by any channel (source 003; domain 9,
# key.reply_min and key.arrive_min), and how long before each the warning goes (convention).
KEY_REPLY_MIN = 10
KEY_ARRIVE_MIN = 45
KEY_REPLY_WARN_MIN = 4
KEY_ARRIVE_WARN_MIN = 15
# An arrival whose coordinates lie farther from the premise than this is marked for a look (convention).
KEY_ARRIVAL_FAR_M = 500

# --- Outages and service districts ---
# How long before it begins customers hear of an interruption (供电监管办法: planned work seven days, temporary work
# 24 hours; Shanghai's supply and use rules, article 15, ask for seven days too). Faults are told at once.
OUTAGE_NOTICE = {"planned": timedelta(days=7), "temporary": timedelta(hours=24)}
# So long after it ended an interruption is still shown to those it concerned (convention).
OUTAGE_SHOWN_AFTER = timedelta(hours=24)
# A customer's question is answered within so many minutes, in working hours and outside of them; then it passes to the
# deputy and after the same time to 95598 (domain 5.2: convention of the groups of residents).
GRID_ANSWER_MIN = (15, 30)
# Half of the questions are answered within so many seconds, and so many 0.01 % of customers have a manager (aims of the
# utility's own, domain 5.2; every service point has one, F122).
GRID_FIRST_ANSWER_TARGET_S = 15 * 60
GRID_COVERAGE_TARGET_E2 = 100_00
# When a district's manager works, on working days of the Chinese calendar (convention; the card shows it).
GRID_DUTY_HOURS = ("08:30", "17:30")
# The number at which somebody is there day and night, and where customers complain about service: the regulator's
# line (能源监管热线).
SERVICE_HOTLINE = "95598"
SUPERVISION_LINE = "12398"
# Where somebody complains about a landlord or an estate that charges more than the law allows (market supervision).
MARKET_LINE = "12315"
# What customers asked to be told of their running bill is told from so many days into the period on; a bill above the
# usual one is only worth a message from so much more on, in fen (convention).
ALERT_LEAST_DAYS = 5
ALERT_LEAST_RISE_FEN = 2_000
# A bill or estimate lies far out when it is above so many hundredths of the customer's own mean, and by so many fen:
# the brake on mass notices counts these (convention).
OUTLIER_TIMES_E2 = 300
OUTLIER_LEAST_FEN = 5_000
# Demand beyond so many per cent of the agreed one is charged double (发改办价格〔2016〕1583号); whoever asked is warned
# when the highest quarter-hour reaches so many per cent of it (convention).
DEMAND_EXCESS_PERCENT = 105
DEMAND_WARN_PERCENT = 100
# Anybody may look up the legal price of an address, so often an hour from one network address; and an address is only
# answered with tariffs that so many accounts there are on (convention).
PRICE_CHECKS_AN_HOUR = 60
PRICE_CHECK_LEAST_ACCOUNTS = 3
# So many reports of an overcharge a day from one network address; an office or a school may stand behind it
# (convention).
OVERCHARGE_REPORTS_A_DAY = 10

# --- Halls ---
# Seconds a class is ahead of somebody who came at the same moment, and points that a hundred seconds of waiting are
# worth (convention; the classes' order is what banks publish: the old and disabled first, then who booked).
HALLS_HEAD_START_S = {"green": 900, "booked": 600, "key": 300, "normal": 0}
HALLS_SLOPE_E2 = {"green": 100, "booked": 100, "key": 100, "normal": 100}
# Nobody waits longer than this because of people who came later (State Grid's usual promise of 20 minutes).
HALLS_WAIT_BOUND_S = 20 * 60
# The average wait that is promised (China Southern Grid, promise 8: 15 minutes); a hall may have its own.
HALLS_WAIT_TARGET_S = 15 * 60
# How long a service usually takes, until a hall has measured its own (State Grid's limits are 5 minutes for taking
# money and 20 for other business; usual times are taken as some two thirds of that, convention).
HALLS_SERVICE_S = {"pay": 200, "enquiry": 300, "change": 780, "new-supply": 900, "complaint": 720}
# Its spread (standard deviation over mean), and from how many services on a hall's own times count (convention).
HALLS_SERVICE_SPREAD_E2 = 80
HALLS_SERVICE_LEARNED_FROM = 20
# What seems to have taken longer than this was not ended when it was over: nothing is learned from it (convention).
HALLS_SERVICE_LONGEST_S = 2 * 60 * 60
# A number is called so often, so far apart, then it is missed; whoever comes back within the limit takes the next
# place but one (usual practice of halls, one of three).
HALLS_CALL_ATTEMPTS = 3
HALLS_CALL_GAP_S = 30
HALLS_RETURN_WITHIN_S = 15 * 60
HALLS_RETURN_AFTER_CALLS = 1
# More tickets than this in a minute are no people at a hall's kiosks (convention).
HALLS_KIOSK_TICKETS_A_MINUTE = 20
# A service is rated within so many days (convention).
HALLS_RATING_DAYS = 7
# A rating of so many stars or fewer is looked at by the hall's manager (convention).
HALLS_LOW_SCORE = 2
# Aims of the indicators (convention): 0.01 % of people over the bound, seconds of error, hundredths of a star.
HALLS_OVER_BOUND_TARGET_E2 = 5_00
HALLS_PREDICTION_ERROR_TARGET_S = 4 * 60
HALLS_SCORE_TARGET_E2 = 4_50
# How many halls' waits are foretold for somebody who asks where to go: the nearest; and for how long what a hall's
# services usually take is kept once it was measured, in seconds (0: not at all; convention).
HALLS_FORETOLD = 5
HALLS_SERVICE_KEPT_S = 5 * 60
# On foot 80 metres a minute; streets are 1.3 times as long as the straight line; ten minutes are the circle's promise.
HALLS_WALK_M_PER_MIN = 80
HALLS_DETOUR_E2 = 130
HALLS_CIRCLE_MIN = 10
# To a hall one rides: an electric bicycle in town, 15 km/h (convention).
HALLS_TRAVEL_M_PER_MIN = 250
# A block of whose customers fewer than this share (in ten-thousandths) reach a pay point counts as not covered.
HALLS_BLOCK_COVERED_E4 = 5_000

# --- Maps ---
# Tiles of a map service, such as https://tiles.example.cn/{z}/{x}/{y}.png; empty: a plain map of our own data.
MAP_TILES_URL = os.environ.get("MAP_TILES_URL", "")
MAP_TILES_CREDIT = os.environ.get("MAP_TILES_CREDIT", "")
# Maps published in China are shifted (GCJ-02); then what we draw on them is shifted alike.
MAP_TILES_GCJ02 = os.environ.get("MAP_TILES_GCJ02", "") in {"1", "true", "yes"}
# What is aimed at in the cockpit: satisfaction in 0.01 of a point, emergencies in time in 0.01 % (convention).
CRM_SATISFACTION_TARGET_E2 = 450
CRM_EMERGENCIES_TARGET_E2 = 10_000

# The tariff laboratory. Bounds of the groups by energy over the months tried, in kWh (ours: homes of little, usual and
# much use, shops, works); how many months one trial may cover; how many accounts that gain and lose most are kept.
TRIAL_USAGE_BANDS_KWH = (1_200, 2_400, 4_800, 12_000, 120_000, 1_200_000)
TRIAL_MONTHS_MOST = 24
TRIAL_ACCOUNTS_KEPT = 500

# The adviser. What a kvar of automatic low-voltage compensation costs installed, in fen (ours: quotations of 80 to 200
# yuan; the utility's own figure belongs here); the power factor of whoever is not measured (usual); up to what share of
# its size a transformer is loaded when others are suspended, per cent (usual); below how many accounts of a class in a
# unit nobody is compared with them, and with how many at most (ours).
ADVISER_FEN_PER_KVAR = 12_000
ADVISER_USUAL_POWER_FACTOR_E2 = 90
ADVISER_TRANSFORMER_LOAD_PERCENT = 80
ADVISER_CLASS_LEAST = 5
ADVISER_CLASS_MOST = 500

# Plants (ours): a quarter-hour of output or feed-in above so many per cent of the registered capacity is an alert; a
# day at or below so many permille of the plant's usual day, known from at least so many of the days before, is no
# output, where another plant of the unit made a quarter of its own.
PLANT_OVER_PERCENT = 105
PLANT_NOTHING_PERMILLE = 20
PLANT_LEAST_DAYS = 5
PLANT_HISTORY_DAYS = 14

# Photographs of meters are kept so many days: three years, as long as a claim lasts (民法典第一百八十八条, usual).
# Those of a doubt that waits stay.
READING_PHOTO_DAYS = 1_095

# Whose rules of disconnection hold here, by the province named in `cis/data/collection.json`; "" is the nation's.
COLLECTING_PROVINCE = ""

# A correction or cancellation of a bill that moves more than so many fen needs a second person; so does every
# back-billing case and every bill that was held (ours: no regulation names an amount).
CORRECTION_LIMIT_FEN = 50_000
# What one person moved on an account within so many days counts together, so that a large correction in small steps
# needs the second person too (ours).
CORRECTION_LIMIT_DAYS = 31

# A bill is held before it is issued when it is above so many hundredths of the account's usual bill (the median of its
# bills of the last twelve months and the same length) and above a floor, once so many such bills are known. Three times
# is what operators ask for; billing-rules 3.5 names sudden rises and leaves thresholds to the utility. Floors and
# counts by class (1 residential, 2 commercial, 3 industrial, 4 agricultural) are ours, to be confirmed.
BILL_HOLD_SOURCE = "3 倍历史为行业对异常账单的通行要求；起算金额和最少账单数为本系统约定，待公司确认"
BILL_HOLDS = {
    1: {"factor_e2": 300, "floor_fen": 50_000, "least_bills": 3},
    2: {"factor_e2": 300, "floor_fen": 500_000, "least_bills": 3},
    3: {"factor_e2": 300, "floor_fen": 2_000_000, "least_bills": 3},
    4: {"factor_e2": 300, "floor_fen": 200_000, "least_bills": 3},
}

# How often an hour one connected client may ask for account numbers that do not exist: mistyped ones, not a search.
# No public rule gives a number.
CHANNEL_UNKNOWN_ACCOUNTS_AN_HOUR = 60

# A clerk closes a drawer alone up to this much short or over; a larger difference is confirmed by a second person.
DRAWER_DIFFERENCE_FEN = 1_000

# One person alone claims a bank transfer for customers' accounts, and takes a claim back, up to this much; above it a
# second person approves. Set by the utility; no regulation names an amount.
TRANSFER_CLAIM_ALONE_FEN = 5_000_000
