"""The Celery application: `from config.celery import app`."""

import os

from celery import Celery
from django.conf import settings
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("dayingxiao")
app.config_from_object("django.conf:settings", namespace="CELERY")
# A worker serves every queue a task is routed to; `--queues` gives it fewer.
app.conf.task_queues = [
    Queue(name)
    for name in sorted(
        {settings.CELERY_TASK_DEFAULT_QUEUE, *(route["queue"] for route in settings.CELERY_TASK_ROUTES.values())}
    )
]
app.autodiscover_tasks()
