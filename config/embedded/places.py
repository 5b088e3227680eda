"""Where the embedded engines keep their files, and the secrets made for one installation.

An ordinary user keeps everything in `var/` of the project. Root cannot: PostgreSQL refuses to
run as root, and the account it runs as may not be able to enter the project's folder. Root's
data and a copy of the binaries therefore live under `/var/lib/dayingxiao`.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
VAR = PROJECT / "var"
SYSTEM_HOME = Path("/var/lib/dayingxiao")
SERVICE_USER = "dayingxiao_pg"
SOCKET_PATH_LIMIT = 107  # bytes in sockaddr_un.sun_path, less the closing zero


class LaunchError(Exception):
    """Something the launcher needs is missing or broken; the text says what to do."""


@dataclass(frozen=True)
class Account:
    """The operating-system account the engines run as; `None` ids mean "as we are"."""

    uid: int | None
    gid: int | None

    def give(self, path: Path, mode: int = 0o700) -> Path:
        """Hand a file or folder to this account with exactly these permissions."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)
        return path


def engine_account() -> Account:
    """The account for the engines: our own, or as root a dedicated one (else `nobody`)."""
    if os.geteuid() != 0:
        return Account(None, None)
    with contextlib.suppress(KeyError):
        return _account_of(SERVICE_USER)
    if shutil.which("useradd"):
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVICE_USER]
        subprocess.run(command, check=False, capture_output=True)
    with contextlib.suppress(KeyError):
        return _account_of(SERVICE_USER)
    return _account_of("nobody")


def _account_of(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid)


def private_folder(path: Path) -> Path:
    """Make a folder only we may enter, and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 600, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def installation_secrets(var: Path = VAR) -> dict[str, str]:
    """The passwords and keys of this installation, made once and kept in `var/secrets.json`.

    Keys for personal data are 32 random bytes in URL-safe base64.
    """
    path = var / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    fresh = {
        "installation": secrets.token_hex(8),
        "superuser_password": secrets.token_urlsafe(24),
        "owner_password": secrets.token_urlsafe(24),
        "app_password": secrets.token_urlsafe(24),
        "valkey_password": secrets.token_urlsafe(24),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "PERSONAL_DATA_KEYS": new_key(),
        "BLIND_INDEX_KEY": new_key(),
    }
    if fresh.keys() - kept.keys():
        kept = {**fresh, **kept}
        write_private(path, json.dumps(kept, indent=1) + "\n")
    return kept


def new_key() -> str:
    """A new 256-bit key in URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def engine_home(installation: str, project: Path = PROJECT) -> Path:
    """The folder that holds the engines' data for this project and installation.

    The installation's id is part of root's folder name: when `var/` (and with it the passwords)
    is removed, a new installation begins instead of one that nobody can log in to.
    """
    if os.geteuid() != 0:
        return private_folder(project / "var" / "engines")
    name = hashlib.sha256(f"{project}\0{installation}".encode()).hexdigest()[:16]
    home = SYSTEM_HOME / name
    home.mkdir(parents=True, exist_ok=True)
    SYSTEM_HOME.chmod(0o755)
    engine_account().give(home, 0o711)
    (home / "project").write_text(f"{project}\n", "utf-8")
    return home


def reachable_binaries(source: Path, *, beside: tuple[Path, ...] = ()) -> Path:
    """A place from which the engines' account can run the binaries in `source`.

    `beside` names folders that must stay next to `source`, such as a wheel's shared libraries.
    An ordinary user, and system folders, need no copy.
    """
    if os.geteuid() != 0 or source.is_relative_to("/usr"):
        return source
    identity = hashlib.sha256(f"{source}{source.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = SYSTEM_HOME / "binaries" / identity
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=target.parent))
        for folder in (source, *beside):
            shutil.copytree(folder, draft / folder.name, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        for folder in (SYSTEM_HOME, target.parent, draft):
            folder.chmod(0o755)
        # A second launcher may have finished the same copy meanwhile; then ours is not needed.
        with contextlib.suppress(OSError):
            draft.rename(target)
        shutil.rmtree(draft, ignore_errors=True)
    return target / source.name


def socket_folder(wanted: Path, account: Account) -> Path:
    """A folder for unix sockets whose paths stay within the kernel's limit."""
    if len(os.fsencode(wanted / ".s.PGSQL.65535.lock")) <= SOCKET_PATH_LIMIT:
        wanted.mkdir(parents=True, exist_ok=True)
        return account.give(wanted)
    name = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"dayingxiao-{os.geteuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat()
    expected = account.uid if account.uid is not None else os.geteuid()
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid not in {expected, os.geteuid()}:
        raise LaunchError(f"{folder} belongs to somebody else; remove it and start again.")
    return account.give(folder)


def leave_socket_folder(folder: Path | None) -> None:
    """Remove a socket folder that the last server has left."""
    if folder:
        with contextlib.suppress(OSError):
            folder.rmdir()


def is_port_free(port: int) -> bool:
    """Whether nobody listens on this port of localhost, over IPv4 or IPv6."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                # Connections of our last run that are still closing must not move the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            if family == socket.AF_INET or error.errno == errno.EADDRINUSE:
                return False
    return True


def free_port() -> int:
    """A TCP port of localhost that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def remembered_port(name: str, var: Path = VAR) -> int:
    """The port this service had last time if it is still free, else a new one, remembered."""
    path = var / "ports.json"
    ports: dict[str, int] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if name not in ports or not is_port_free(ports[name]):
        ports[name] = free_port()
        write_private(path, json.dumps(ports) + "\n")
    return ports[name]


@contextlib.contextmanager
def only_one(path: Path, refusal: str) -> Iterator[None]:
    """Hold a lock file, or raise `LaunchError(refusal)` when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaunchError(refusal) from None
        yield


def remove_data(project: Path = PROJECT) -> None:
    """Remove `var/` and whatever root's launcher kept elsewhere for this project."""
    if SYSTEM_HOME.exists() and os.geteuid() == 0:
        for note in SYSTEM_HOME.glob("*/project"):
            if note.read_text("utf-8").strip() == str(project):
                shutil.rmtree(note.parent)
    shutil.rmtree(project / "var", ignore_errors=True)
