"""What only the system can give: Pango for PDF files, Chromium for browser tests.

Both are looked for, installed where the system lets us (root and apt), and otherwise named
loudly while the rest goes on.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

PANGO_LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
PANGO_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
# The shell has no windows and menus of its own: the same pages for less work.
CHROMIUM_SHELL = "chromium-headless-shell"
CHROMIUM_NAMES = (CHROMIUM_SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APT_LIMIT_S = 600

Say = Callable[[str, str], None]


def has_pango() -> bool:
    """Whether the libraries WeasyPrint loads are installed."""
    if sys.platform != "linux":
        return True  # names differ elsewhere; WeasyPrint itself will tell
    try:
        for library in PANGO_LIBRARIES:
            ctypes.CDLL(library)
    except OSError:
        return False
    return True


def find_chromium() -> Path | None:
    """The Chromium to drive: DAYINGXIAO_CHROMIUM, one on the path, or Playwright's own."""
    named = os.environ.get("DAYINGXIAO_CHROMIUM")
    if named:
        return Path(named)
    for name in CHROMIUM_NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    return max(cache.glob("chromium-*/chrome-linux*/chrome"), default=None)


def ensure_pango(say: Say) -> bool:
    """Install Pango if it is missing and we may; say loudly what will not work without it."""
    if has_pango() or (_apt_install(PANGO_PACKAGES, say) and has_pango()):
        return True
    packages = " ".join(PANGO_PACKAGES)
    say(f"缺少 Pango：收据 PDF 不可用。请安装 {packages}", f"PANGO IS MISSING: no PDF files. Install {packages}")
    return False


def ensure_chromium(say: Say) -> bool:
    """Install Chromium if it is missing and we may; say loudly that browser tests are skipped."""
    if find_chromium() or any(_apt_install((name,), say) and find_chromium() for name in (CHROMIUM_SHELL, "chromium")):
        return True
    say("缺少 Chromium：浏览器测试将跳过", "CHROMIUM IS MISSING: browser tests are skipped. Install chromium")
    return False


def _apt_install(packages: Sequence[str], say: Say) -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"安装 {' '.join(packages)}", "Installing with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    # The lists of a fresh container are empty, those of an old one name packages long gone.
    for command in (["apt-get", "update"], install):
        try:
            result = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=APT_LIMIT_S
            )
        except subprocess.TimeoutExpired:
            say("apt-get 超时", "apt-get took too long")
            return False
    if result.returncode:
        say("apt-get 失败", f"apt-get failed: {result.stderr.strip()[-300:]}")
    return result.returncode == 0


def _say(chinese: str, english: str) -> None:
    print(f"▸ {chinese} · {english}", flush=True)


if __name__ == "__main__":
    ensure_pango(_say)
    if "chromium" in sys.argv[1:]:
        ensure_chromium(_say)
