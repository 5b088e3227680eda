"""The machine, the versions and the revision that a result was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory, load before we began, kernel."""
    words = Path("/proc/cpuinfo").read_text("utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":", 1)[1].strip() for line in words.splitlines() if line.startswith("model name")]
    speeds = [line.split(":", 1)[1].strip() for line in words.splitlines() if line.startswith("cpu MHz")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.processor(),
        "mhz": round(float(speeds[0])) if speeds else None,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
    }


def describe_versions(postgres: str | None = None) -> dict[str, str]:
    """What the figures depend on."""
    versions = {"python": platform.python_version()}
    versions |= {name: version(name) for name in ("numpy", "django", "psycopg2-binary")}
    if postgres:
        versions["postgresql"] = postgres
    return versions


def revision() -> str:
    """The git revision, marked when files differ from it; empty outside a checkout."""

    def git(*words: str) -> str:
        result = subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, text=True, check=False)
        return result.stdout.strip() if result.returncode == 0 else ""

    head = git("rev-parse", "--short=12", "HEAD")
    return f"{head}+changes" if head and git("status", "--porcelain", "--", "cis", "config", "benchmarks") else head
