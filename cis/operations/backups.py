"""
Back the whole database up into one file, and bring it up again on a fresh server.

Beside the file stands its manifest: what was in it, counted in the very snapshot that was dumped, the last seal of the
ledger, the file's digest, all signed with a key of the installation. A restore believes nothing that does not fit.
The dump is made and restored as the owner; the application's missing privileges travel in it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import psycopg2
from django.conf import settings
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection

from cis.operations import ledger
from config.embedded.places import LaunchError
from config.embedded.postgres import find_binaries
from config.embedded.provision import provision
from config.shared.errors import Refused

FORMAT = 1
_SIGNED_FOR = b"dayingxiao backup manifest"
# What the restoring server brings itself; the dump's owner may not make it.
_LEFT_TO_PROVISIONING = ("EXTENSION", "COMMENT - EXTENSION")


class FileExists(Refused):
    """A backup never replaces a file."""

    code = "file-exists"


class BackupFailed(Refused):
    """The database could not be dumped; the message says why."""

    code = "backup-failed"


class BackupRefused(Refused):
    """The file and its manifest are not what a backup of this installation wrote."""

    code = "backup-refused"


class NotEmpty(Refused):
    """The database to restore into holds something."""

    code = "database-not-empty"


class RestoreFailed(Refused):
    """What stands in the database after the restore is not what was backed up; do not use it."""

    code = "restore-failed"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    format: int
    made_at: str
    server_version: int
    owner: str
    application: str
    schema: dict[str, list[str]]
    """app to its applied migrations"""
    counts: dict[str, int]
    """table to rows"""
    privileges: dict[str, str]
    """table, sequence or table.column to what the application may do with it"""
    last_closed_day: str
    last_seal: str
    size: int
    sha256: str


def manifest_path(file: Path) -> Path:
    """Where the manifest of a backup stands."""
    return file.with_name(file.name + ".manifest.json")


# --- Backup --------------------------------------------------------------------------------


def back_up(*, file: Path, at: datetime) -> Manifest:
    """
    Dump the database into a file that does not exist yet, with its manifest beside it; others may go on working.

    :raises FileExists: the file or its manifest is there already
    :raises BackupFailed: the database or pg_dump said no
    """
    for path in (file, manifest_path(file)):
        if path.exists():
            raise FileExists(f"{path} exists; name another file")
    owner_url = settings.DATABASE_OWNER_URL or settings.DATABASE_URL
    folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=file.parent))
    try:
        draft = folder / "dump"
        with closing(_connect(owner_url)) as connection:
            connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
            snapshot = _ask(connection, "SELECT pg_export_snapshot()")
            _run("pg_dump", owner_url, "--format=custom", f"--snapshot={snapshot}", f"--file={draft}")
            content = _content_of(connection, application=_user(settings.DATABASE_URL))
            server_version = connection.server_version
        draft.chmod(0o600)
        manifest = Manifest(
            format=FORMAT,
            made_at=at.isoformat(),
            server_version=server_version,
            owner=_user(owner_url),
            application=_user(settings.DATABASE_URL),
            **content,
            size=draft.stat().st_size,
            sha256=_digest(draft),
        )
        note = folder / "manifest"
        note.write_text(json.dumps({**asdict(manifest), "signature": _signature(manifest)}, indent=1) + "\n", "utf-8")
        note.chmod(0o600)
        # Links, not moves: they fail where a file has appeared meanwhile. The manifest last, as a seal.
        os.link(draft, file)
        os.link(note, manifest_path(file))
    except FileExistsError as error:
        raise FileExists(f"{error.filename2} exists; name another file") from error
    except (psycopg2.Error, _ProgramFailed, LaunchError) as error:
        raise BackupFailed(str(error).strip()) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return manifest


_PRIVILEGES = """
SELECT o.name, string_agg(a.privilege_type, ',' ORDER BY a.privilege_type)
FROM (SELECT c.relname AS name, c.relacl AS acl FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
      UNION ALL SELECT c.relname || '.' || t.attname, t.attacl FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid
      WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition) o,
     LATERAL aclexplode(o.acl) a JOIN pg_roles r ON r.oid = a.grantee
WHERE r.rolname = %s GROUP BY 1
"""


def _content_of(connection: Connection, *, application: str) -> dict[str, Any]:
    """What stands in the database in this snapshot: schema, counts, the application's privileges, last seal."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        schema: dict[str, list[str]] = {}
        for app, name in cursor.fetchall():
            schema.setdefault(app, []).append(name)
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
        )
        counts = {}
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
            counts[table] = int(_only(cursor.fetchone()))
        cursor.execute(_PRIVILEGES, [application])
        privileges = dict(cursor.fetchall())
        cursor.execute("SELECT business_date, seal FROM cis_ledger_day ORDER BY business_date DESC LIMIT 1")
        last = cursor.fetchone()
    return {
        "schema": schema,
        "counts": counts,
        "privileges": privileges,
        "last_closed_day": last[0].isoformat() if last else "",
        "last_seal": bytes(last[1]).hex() if last else "",
    }


# --- Restore -------------------------------------------------------------------------------


def restore(*, file: Path) -> Manifest:
    """
    Bring a backup up in the database of this installation's settings, which must be empty or missing; verify it.

    With DATABASE_SUPERUSER_URL roles, database and extensions are made first; without it they must be there.

    :raises BackupRefused: the file or its manifest was altered, or comes from another installation
    :raises NotEmpty: the database holds tables
    :raises RestoreFailed: pg_restore failed, or what came out is not what went in
    """
    manifest = read_manifest(file)
    owner_url = settings.DATABASE_OWNER_URL or settings.DATABASE_URL
    if (manifest.owner, manifest.application) != (_user(owner_url), _user(settings.DATABASE_URL)):
        raise BackupRefused(
            f"the backup's privileges name the roles {manifest.owner} and {manifest.application}; "
            "set DATABASE_OWNER_URL and DATABASE_URL to roles of these names"
        )
    try:
        _prepare(owner_url)
        _withhold_default_privileges(owner_url, manifest.application)
        with tempfile.TemporaryDirectory(prefix="restore-") as folder:
            contents = _run("pg_restore", owner_url, "--list", str(file), connects=False).splitlines()
            wanted = Path(folder) / "list"
            wanted.write_text("\n".join(filter(_is_ours, contents)) + "\n", "utf-8")
            _run(
                "pg_restore",
                owner_url,
                "--single-transaction",
                f"--use-list={wanted}",
                f"--dbname={urlsplit(owner_url).path.lstrip('/')}",
                str(file),
            )
        with closing(_connect(owner_url)) as connection:
            connection.autocommit = True
            connection.cursor().execute("ANALYZE")
            content = _content_of(connection, application=manifest.application)
    except (psycopg2.Error, _ProgramFailed, LaunchError, ValueError) as error:
        raise RestoreFailed(str(error).strip()) from error
    _compare(manifest, content)
    faults = ledger.verify_snapshot().faults
    if faults:
        raise RestoreFailed("; ".join(faults))
    return manifest


def read_manifest(file: Path) -> Manifest:
    """
    The manifest of a backup, after the file was found to fit it.

    :raises BackupRefused: one of them is missing or altered, or other keys signed it
    """
    try:
        note = json.loads(manifest_path(file).read_text("utf-8"))
        signature = note.pop("signature")
        manifest = Manifest(**note)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupRefused(f"{manifest_path(file)} cannot be read: {error}") from error
    if not hmac.compare_digest(str(signature), _signature(manifest)):
        raise BackupRefused("the manifest was altered, or BLIND_INDEX_KEY is not the key of the backup's installation")
    if manifest.format != FORMAT:
        raise BackupRefused(f"the manifest has format {manifest.format}; this version reads {FORMAT}")
    if not file.exists() or file.stat().st_size != manifest.size or _digest(file) != manifest.sha256:
        raise BackupRefused(f"{file} is not the file that the manifest describes")
    return manifest


def _prepare(owner_url: str) -> None:
    """Make roles, database and extensions where the settings let us; refuse a database that holds something."""
    superuser = settings.DATABASE_SUPERUSER_URL
    name = unquote(urlsplit(owner_url).path.lstrip("/"))
    if superuser:
        with closing(_connect(superuser)) as connection:
            exists = _ask(connection, "SELECT count(*) FROM pg_database WHERE datname = %s", name)
        if exists:
            # Before anything is touched there, the passwords of its roles included.
            _refuse_unless_empty(urlunsplit(urlsplit(superuser)._replace(path=f"/{name}")))
        provision(superuser, owner_url=owner_url, app_url=settings.DATABASE_URL)
    _refuse_unless_empty(owner_url)


def _withhold_default_privileges(owner_url: str, application: str) -> None:
    """
    Let the dump alone say what the application may do.

    A dump only grants: privileges that every new table gives by default would come on top, those on the ledger too.
    The defaults themselves stand at the dump's end.
    """
    with closing(_connect(owner_url)) as connection, connection, connection.cursor() as cursor:
        for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            cursor.execute(
                sql.SQL(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON {kind} FROM {{app}}").format(
                    app=sql.Identifier(application)
                )
            )


def _refuse_unless_empty(url: str) -> None:
    with closing(_connect(url)) as connection:
        tables = _ask(
            connection,
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'S') "
            "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')",
        )
    if tables:
        raise NotEmpty("the database holds tables; a backup is restored into an empty one only")


def _is_ours(line: str) -> bool:
    """Whether a line of pg_restore's list is to be restored: "217; 1259 16385 TABLE public cis_bill owner"."""
    words = line.split(maxsplit=3)
    return line.startswith(";") or len(words) < 4 or not words[3].startswith(_LEFT_TO_PROVISIONING)


def _compare(manifest: Manifest, content: dict[str, Any]) -> None:
    for part in ("schema", "privileges", "last_closed_day", "last_seal"):
        if getattr(manifest, part) != content[part]:
            raise RestoreFailed(f"{part} is not what was backed up")
    tables = manifest.counts.keys() | content["counts"].keys()
    wrong = [table for table in sorted(tables) if manifest.counts.get(table) != content["counts"].get(table)]
    if wrong:
        raise RestoreFailed(f"other numbers of rows than were backed up: {', '.join(wrong)}")


# --- Programs and connections --------------------------------------------------------------


class _ProgramFailed(Exception):
    """pg_dump or pg_restore ended with an error."""


def _run(program: str, url: str, *arguments: str, connects: bool = True) -> str:
    """Run one of PostgreSQL's programs; the password goes by the environment, which only we can read."""
    parts = urlsplit(url)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "PGHOST": dict(parse_qsl(parts.query)).get("host", parts.hostname or ""),
        "PGPORT": str(parts.port or ""),
        "PGUSER": _user(url),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
        "PGSSLMODE": dict(parse_qsl(parts.query)).get("sslmode", ""),
    }
    result = subprocess.run(
        [str(_find(program)), "--no-password", *arguments] if connects else [str(_find(program)), *arguments],
        env={name: value for name, value in environment.items() if value},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise _ProgramFailed(f"{program} failed: {result.stderr.strip()}")
    return result.stdout


def _find(program: str) -> Path:
    """The program beside the server's own, else on the path."""
    try:
        beside = find_binaries() / program
        if beside.exists():
            return beside
    except LaunchError:
        pass
    found = shutil.which(program)
    if found is None:
        raise _ProgramFailed(f"{program} was not found; install PostgreSQL's client programs")
    return Path(found)


def _connect(url: str) -> Connection:
    return psycopg2.connect(url, connect_timeout=10)


def _ask(connection: Connection, query: str, *values: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return _only(cursor.fetchone())


def _only(row: tuple[Any, ...] | None) -> Any:
    return row[0] if row else None


def _user(url: str) -> str:
    return unquote(urlsplit(url).username or "")


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _signature(manifest: Manifest) -> str:
    """Signed with the key without which the restored data could not be searched: it must be carried over anyway."""
    key = hmac.digest(settings.BLIND_INDEX_KEY.encode(), _SIGNED_FOR, "sha256")
    text = json.dumps(asdict(manifest), sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def summary(manifest: Manifest) -> Iterable[str]:
    """A few lines for people."""
    yield f"{len(manifest.counts)} tables, {sum(manifest.counts.values())} rows, {manifest.size} bytes"
    yield f"sha256 {manifest.sha256}"
    yield f"last closed day {manifest.last_closed_day or 'none'}, seal {manifest.last_seal or 'none'}"
