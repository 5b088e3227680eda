"""Settings every environment shares; they are the whole of development's.

Only the modules of this package and the start-up files read the environment.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config.settings.domain import *

BASE_DIR = Path(__file__).resolve().parents[2]
VAR_DIR = BASE_DIR / "var"


def _listed(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def _is_on(name: str, *, default: bool) -> bool:
    value = os.environ.get(name, "")
    return default if not value else value.lower() in {"1", "true", "on", "yes"}


def _origins(url: str) -> list[str]:
    """The scheme and host of an address, for the content policy; nothing for an empty one. `{s}` is any subdomain."""
    parts = urlsplit(url)
    return [f"{parts.scheme}://{parts.netloc.replace('{s}', '*')}"] if parts.netloc else []


# --- Secrets -------------------------------------------------------------------------------
# `make run` makes them once into var/secrets.json; production has no defaults.

SECRET_KEY = os.environ.get("SECRET_KEY", "")

# 'aes', or 'sm4' (with SM3 for the index) where Chinese commercial cryptography is required.
PERSONAL_DATA_CIPHER = os.environ.get("PERSONAL_DATA_CIPHER") or "aes"
# 256-bit keys in URL-safe base64, separated by commas: the first encrypts, all decrypt.
PERSONAL_DATA_KEYS = _listed("PERSONAL_DATA_KEYS")
BLIND_INDEX_KEY = os.environ.get("BLIND_INDEX_KEY", "")

# --- Web -----------------------------------------------------------------------------------

DEBUG = _is_on("DEBUG", default=False)
ALLOWED_HOSTS = _listed("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
# Where people reach us from outside, such as https://95598.example.cn: codes on receipts and messages lead there.
# Empty: codes lead to the host that the paper was asked of, and messages carry no address.
PUBLIC_ADDRESS = os.environ.get("PUBLIC_ADDRESS", "").rstrip("/")
CSRF_TRUSTED_ORIGINS = _listed("CSRF_TRUSTED_ORIGINS")
# Addresses of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; '*' for all.
TRUSTED_PROXIES = _listed("TRUSTED_PROXIES")

# The systems of the house and their apps. A utility that wants customer information alone names it alone; those further
# down build on those above. Everything that lists apps (addresses, clocks, tables of config/navigation.py) asks these.
_SYSTEMS = {
    "cis": ("cis", "payments"),
    "crm": ("crm",),
    "dsm": ("dsm",),
    "halls": ("halls",),
    "grid": ("grid_service",),
}
_NEEDS = {"crm": "cis", "dsm": "cis", "halls": "crm", "grid": "crm"}
SYSTEMS = _listed("SYSTEMS") or list(_SYSTEMS)
for _system in SYSTEMS:
    if _system not in _SYSTEMS:
        raise ImproperlyConfigured(f"SYSTEMS names {_system}; there are: {', '.join(_SYSTEMS)}.")
    if _NEEDS.get(_system, "cis") not in SYSTEMS:
        raise ImproperlyConfigured(f"SYSTEMS names {_system}, which builds on {_NEEDS.get(_system, 'cis')}: name both.")
HOUSE_APPS = [app for name, apps in _SYSTEMS.items() if name in SYSTEMS for app in apps]
APPS_SWITCHED_OFF = {app for apps in _SYSTEMS.values() for app in apps} - set(HOUSE_APPS)
# Whom the utility treats as key (account ids in, those among them out): dsm asks by this name and stands without it.
KEY_ACCOUNTS_FROM = "crm.queries.tiers.key_among"
# How warm days were (first day and the day after the last in, mean temperature by day out): cis asks by this name and
# stands without it.
TEMPERATURES_FROM = "dsm.queries.weather.mean_temperatures"

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "csp",
    "axes",
    # Second factors only; no address of allauth is in config.urls.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "pgtrigger",
    "pghistory",
    "config.shared",
    *HOUSE_APPS,
]

MIDDLEWARE = [
    # First, so that every log line of a request carries its id.
    "config.shared.web.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Before what asks strangers to sign in: who stayed too long is one.
    "config.shared.web.staff_sessions.StaffSessionMiddleware",
    # Keeps what was typed into a form before the next one asks for a new sign-in.
    "config.shared.web.drafts.DraftMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
    "pghistory.middleware.HistoryMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    # Last, as django-axes asks.
    "axes.middleware.AxesMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.shared.web.context.frame",
                "config.shared.web.appearance.appearance",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# --- Who may come in -----------------------------------------------------------------------

AUTH_USER_MODEL = "shared.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# The first makes new hashes; who signs in with an older one gets a new one on the way.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL

# Passwords, second factors and step-ups are counted together; see config/shared/lockout.py.
STAFF_MISTAKES_ALLOWED = 5
AXES_LOCKOUT_PARAMETERS = "config.shared.lockout.lockout_parameters"
AXES_FAILURE_LIMIT = "config.shared.lockout.failure_limit"
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "config.shared.web.sign_in_locked.locked_out"

# Who holds one of these permissions must have a second factor; production asks it of administrators.
STAFF_MFA_REQUIRED_PERMISSIONS = _listed("STAFF_MFA_REQUIRED_PERMISSIONS")
# Reversals, role changes and the like ask again for a proof that is older than this.
STEP_UP_AFTER_S = 10 * 60
TEMPORARY_PASSWORD_LASTS_S = 24 * 60 * 60
# Where staff of the whole company sign in (OpenID Connect); empty: with a password here.
OIDC_ISSUER = os.environ.get("OIDC_ISSUER", "")
OIDC_CLIENT_ID = os.environ.get("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = os.environ.get("OIDC_CLIENT_SECRET", "")
OIDC_SCOPE = os.environ.get("OIDC_SCOPE") or "openid profile"
# Which claim of the id_token is the user name here; nobody is registered by coming that way.
OIDC_CLAIM = os.environ.get("OIDC_CLAIM") or "preferred_username"
STAFF_SESSIONS_AT_ONCE = 3
STAFF_SESSION_IDLE_S = 2 * 60 * 60
STAFF_SESSION_LIMIT_S = 12 * 60 * 60

MFA_ADAPTER = "config.shared.second_factors.SealedSecrets"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "大营销"
MFA_TOTP_TOLERANCE = 1  # telephones' clocks; a used code is refused as long as it could be right
ACCOUNT_RATE_LIMITS = False  # django-axes is the one lock

SESSION_COOKIE_AGE = 12 * 60 * 60  # one working day
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.shared.web.failures.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

# Where browsers open websockets: empty for the pages' own address (a proxy passes /live/ on), or such as
# ws://screens.example.cn; a * stands for the host a page came from (`make run`: ws://*:8001).
WEBSOCKET_URL = os.environ.get("WEBSOCKET_URL", "")
# How often the websocket server looks for changes by itself; a bell over Redis makes it look at once.
LIVE_LOOK_S = 2.0

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *_origins(MAP_TILES_URL)],
        "connect-src": [SELF, *_origins(WEBSOCKET_URL)],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}

# --- API -----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["config.shared.permissions.Nobody"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "config.shared.api.keys.ApiKeyAuthentication",
    ],
    "EXCEPTION_HANDLER": "config.shared.api.problems.handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "60/min", "user": "1200/min"},
    # The web server has already put the client's address where it belongs; see config/wsgi.py.
    "NUM_PROXIES": 0,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "大营销 Dayingxiao API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    # Several answers have a field called state; each has its own words.
    "ENUM_NAME_OVERRIDES": {
        "OrderStateEnum": ["created", "paid", "closed", "held"],
        "AppSessionStateEnum": ["signed-in", "telephone-needed"],
    },
    "OAS_VERSION": "3.1.1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.shared.api.my_schema.with_refusals",
        "payments.api.channel_schema.with_refusals",
    ],
}

# --- Data ----------------------------------------------------------------------------------


def _database(url: str) -> dict[str, Any]:
    """Django's form of a `postgresql://user:password@host:port/name?option=value` address."""
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {"connect_timeout": 10, **options},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


# The application's role, which owns nothing.
DATABASE_URL = os.environ.get("DATABASE_URL", "")
# The owner's role: migrations and loading. Without it DATABASE_URL does both.
DATABASE_OWNER_URL = os.environ.get("DATABASE_OWNER_URL", "")
# Only `manage.py provision_database` uses it.
DATABASE_SUPERUSER_URL = os.environ.get("DATABASE_SUPERUSER_URL", "")

_acts_as_owner = os.environ.get("DAYINGXIAO_AS") == "owner"
DATABASES = {"default": _database((_acts_as_owner and DATABASE_OWNER_URL) or DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", "")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
    },
}

# --- Jobs ----------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# An hour: PostgreSQL decides who owns a shard, so a message given back late does no harm.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "default"
# Task name or pattern to {"queue": …}; workers serve every queue named here.
# Long work has a queue of its own: a worker takes from its queues in turn, so short tasks never wait behind a run.
# Messages to people have one too, which a worker of its own serves first: a run never delays a code.
CELERY_TASK_ROUTES: dict[str, dict[str, str]] = {
    "config.shared.tasks.work_on_job": {"queue": "jobs"},
    "config.shared.tasks.send_messages": {"queue": "messages"},
    # They wait for others' servers: a slow one keeps nothing else from being done in time.
    "payments.tasks.send_webhooks": {"queue": "webhooks"},
}
# Name to {"task": …, "schedule": seconds or crontab(…)}.
_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    # Sweeps that could not be taken up in time are dropped, so that they never pile up.
    "sweep": {"task": "config.shared.tasks.sweep", "schedule": 10.0, "options": {"expires": 30}},
    "notice-brake": {"task": "config.shared.tasks.watch_notices", "schedule": 60.0, "options": {"expires": 60}},
    "expire-approvals": {
        "task": "config.shared.tasks.expire_approvals",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    # Orders whose notice was lost: paid within a minute all the same.
    "ask-about-orders": {
        "task": "payments.tasks.ask_about_orders",
        "schedule": 20.0,
        "options": {"expires": 20},
    },
    # Approved refunds leave within seconds; what a provider does not tell is asked.
    "send-refunds": {"task": "payments.tasks.send_refunds", "schedule": 20.0, "options": {"expires": 20}},
    "prune-sessions": {"task": "config.shared.tasks.prune_sessions", "schedule": crontab(hour=4, minute=40)},
    "close-yesterday": {"task": "cis.tasks.close_yesterday", "schedule": crontab(hour=0, minute=30)},
    # In the morning; nobody is woken.
    "remind-of-bills": {"task": "cis.tasks.remind_of_bills", "schedule": crontab(hour=9, minute=20)},
    "advances": {"task": "cis.tasks.demand_advances", "schedule": crontab(hour=9, minute=15)},
    "arrears-cases": {"task": "cis.tasks.open_arrears_cases", "schedule": crontab(hour=1, minute=20)},
    "interval-partitions": {"task": "cis.tasks.make_interval_partitions", "schedule": crontab(hour=0, minute=10)},
    # Twice a minute: a warning is minutes ahead, and a beat that comes late is dropped.
    "emergency-clocks": {
        "task": "crm.tasks.check_emergency_clocks",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "tier-overrides": {"task": "crm.tasks.end_overrides", "schedule": crontab(hour=0, minute=5)},
    "profiles": {"task": "crm.tasks.make_profiles", "schedule": crontab(hour=2, minute=10)},
    "key-account-prices": {"task": "crm.tasks.foresee_price_changes", "schedule": crontab(hour=7, minute=30)},
    # After the night's collection; what would ring at night waits for the morning.
    "watch-bills": {"task": "cis.tasks.watch_bills", "schedule": crontab(hour=8, minute=40)},
    # After the night's collection; what it leads to is watched once a minute, and a beat that comes late is dropped.
    "fee-control-day": {"task": "cis.tasks.estimate_fee_control", "schedule": crontab(hour=8, minute=10)},
    "fee-control-watch": {
        "task": "cis.tasks.watch_fee_control",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    # After the night's collection, in the morning.
    "use-limits": {"task": "cis.tasks.watch_limits", "schedule": crontab(hour=9, minute=0)},
    "meter-photos": {"task": "cis.tasks.let_photos_go", "schedule": crontab(hour=4, minute=50)},
    # A limit ends at midnight; a beat that comes late is dropped.
    "answer-limits": {"task": "cis.tasks.watch_disputes", "schedule": 600.0, "options": {"expires": 600}},
    # After the night's curves are judged.
    "look-for-drops": {"task": "cis.tasks.look_for_drops", "schedule": crontab(hour=9, minute=10)},
    # A month's bills are out and looked at by then.
    "publish-bill-accuracy": {
        "task": "cis.tasks.publish_bill_accuracy",
        "schedule": crontab(day_of_month=6, hour=5, minute=10),
    },
    "check-books": {"task": "cis.tasks.check_books", "schedule": crontab(hour=3, minute=40)},
    "purge-working-places": {
        "task": "config.shared.tasks.purge_working_places",
        "schedule": crontab(hour=4, minute=30),
    },
    "end-day-in-halls": {"task": "halls.tasks.end_day", "schedule": crontab(hour=0, minute=5)},
    # After the day was closed; commission is booked on the day that is open.
    "book-debit-answers": {"task": "payments.tasks.book_debit_answers", "schedule": crontab(minute="*")},
    # WeChat Pay has yesterday's file at ten; what is not there or did not come is asked for again through the day.
    "fetch-days": {"task": "payments.tasks.fetch_days", "schedule": crontab(hour="9-20", minute=25)},
    "settle-agents": {"task": "payments.tasks.settle_agents", "schedule": crontab(hour=0, minute=50)},
    "prune-channel-requests": {"task": "payments.tasks.forget_channel_requests", "schedule": crontab(minute=15)},
    # What is to be tried again, and what nobody rang for.
    "send-webhooks": {"task": "payments.tasks.send_webhooks", "schedule": 5.0, "options": {"expires": 5}},
    "prune-webhooks": {"task": "payments.tasks.forget_webhooks", "schedule": crontab(hour=4, minute=10)},
    "prune-looks": {"task": "config.shared.tasks.prune_looks", "schedule": crontab(hour=4, minute=40)},
    # After the night's collection, and before tomorrow is forecast from it.
    "aggregate-load": {"task": "dsm.tasks.aggregate_load", "schedule": crontab(hour=8, minute=20)},
    "forecast-tomorrow": {
        "task": "dsm.tasks.forecast_tomorrow",
        "schedule": crontab(hour=DSM_FORECAST_HOUR, minute=0),
    },
    "pass-questions-on": {
        "task": "grid_service.tasks.pass_on_unanswered",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "prune-outbox": {"task": "config.shared.tasks.prune_outbox", "schedule": crontab(hour=4, minute=20)},
}
CELERY_BEAT_SCHEDULE = {
    name: row for name, row in _BEAT_SCHEDULE.items() if row["task"].partition(".")[0] not in APPS_SWITCHED_OFF
}

# --- Messages to people --------------------------------------------------------------------

# Where the simulated providers listen; `make run` chooses the ports.
SIMULATORS_URL = os.environ.get("SIMULATORS_URL", "") if SIMULATORS else ""
# Aliyun's short message service, or what stands before it: https://dysmsapi.aliyuncs.com/
SMS_ENDPOINT = os.environ.get("SMS_ENDPOINT", "") or (f"{SIMULATORS_URL}/sms/" if SIMULATORS_URL else "")
SMS_ACCESS_KEY_ID = os.environ.get("SMS_ACCESS_KEY_ID", "") or ("simulated" if SIMULATORS else "")
SMS_ACCESS_KEY_SECRET = os.environ.get("SMS_ACCESS_KEY_SECRET", "") or ("simulated-secret" if SIMULATORS else "")
SMS_SIGN_NAME = os.environ.get("SMS_SIGN_NAME", "") or "示范电力"
# Our template and language to the provider's approved code, as JSON: {"sign-in-code.zh-hans": "SMS_…", …}.
SMS_TEMPLATES: dict[str, str] = json.loads(os.environ.get("SMS_TEMPLATES") or "{}")
# What providers' reports are signed with, by channel.
RECEIPT_SECRETS = {
    name: os.environ.get(f"{name.upper()}_RECEIPT_SECRET", "") or (f"simulated-{name}-reports" if SIMULATORS else "")
    for name in ("sms", "email", "collection")
}
# The meter data collection system: its adapter by its name in cis/collection_system, where it listens, who we are to
# it.
COLLECTION_SYSTEM = os.environ.get("COLLECTION_SYSTEM", "") or "signed-json"
COLLECTION_SYSTEM_URL = os.environ.get("COLLECTION_SYSTEM_URL", "") or (
    f"{SIMULATORS_URL}/collection/" if SIMULATORS_URL else ""
)
COLLECTION_SYSTEM_CLIENT = os.environ.get("COLLECTION_SYSTEM_CLIENT", "") or "dayingxiao"
COLLECTION_SYSTEM_SECRET = os.environ.get("COLLECTION_SYSTEM_SECRET", "") or (
    "simulated-collection" if SIMULATORS else ""
)
EMAIL_HOST = os.environ.get("EMAIL_HOST", "") or "127.0.0.1"
EMAIL_PORT = int(os.environ.get("EMAIL_PORT") or 25)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _is_on("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "") or "95598 <service@dayingxiao.example>"

# --- Language and time ---------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
CELERY_TIMEZONE = TIME_ZONE

# --- Files ---------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_ROOT = VAR_DIR / "files"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Straight from the apps' folders, so that nothing has to be collected first.
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- Logs ----------------------------------------------------------------------------------

LOG_LEVEL = os.environ.get("LOG_LEVEL") or "INFO"
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.shared.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "django.db.backends": {"level": "INFO"},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
    },
}
