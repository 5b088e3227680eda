"""Make the database, its two roles and its extensions, on the embedded or on any real server.

`dayingxiao_owner` owns the database and runs migrations. `dayingxiao_app` is what the web server
and the workers log in as: it reads and writes rows, but owns nothing, so it can neither TRUNCATE a
table nor switch a trigger off. Running it again changes nothing but the passwords.
"""

from __future__ import annotations

from contextlib import closing
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

OWNER = "dayingxiao_owner"
APP = "dayingxiao_app"
DATABASE = "dayingxiao"
REQUIRED_EXTENSIONS = ("btree_gist",)
OPTIONAL_EXTENSIONS = ("pg_trgm", "pg_stat_statements")


def provision(superuser_url: str, *, owner_url: str, app_url: str) -> None:
    """Make everything the two URLs name: roles, passwords, database, extensions, privileges.

    Raises `ValueError` when the URLs disagree on the database or share one role.
    """
    owner, app = urlsplit(owner_url), urlsplit(app_url)
    owner_name, app_name = unquote(owner.username or ""), unquote(app.username or "")
    database = owner.path.lstrip("/")
    if database != app.path.lstrip("/"):
        raise ValueError("DATABASE_URL and DATABASE_OWNER_URL must name the same database.")
    if owner_name == app_name:
        raise ValueError("DATABASE_URL and DATABASE_OWNER_URL must use two different roles.")
    with closing(_connect(superuser_url)) as connection, connection.cursor() as cursor:
        _make_role(cursor, owner_name, unquote(owner.password or ""))
        _make_role(cursor, app_name, unquote(app.password or ""))
        _make_database(cursor, connection.server_version, database, owner_name)
        grant_database(cursor, database, app_name)
    inside = urlunsplit(urlsplit(superuser_url)._replace(path=f"/{database}"))
    with closing(_connect(inside)) as connection, connection.cursor() as cursor:
        _make_extensions(cursor)
        _grant_schema(cursor, owner_name, app_name)


def grant_database(cursor: Cursor, database: str, app: str) -> None:
    """Let only the application's role (and the owner) into a database; a copy needs it again."""
    names = {"database": sql.Identifier(database), "app": sql.Identifier(app)}
    _run(cursor, "REVOKE ALL ON DATABASE {database} FROM PUBLIC", **names)
    _run(cursor, "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}", **names)


def _connect(url: str) -> Connection:
    connection = psycopg2.connect(url, connect_timeout=10)
    connection.autocommit = True
    return connection


def _run(cursor: Cursor, statement: str, **names: sql.Composable) -> None:
    cursor.execute(sql.SQL(statement).format(**names))


def _exists(cursor: Cursor, query: str, name: str) -> bool:
    cursor.execute(query, [name])
    return cursor.fetchone() is not None


def _make_role(cursor: Cursor, name: str, password: str) -> None:
    role = sql.Identifier(name)
    if not _exists(cursor, "SELECT 1 FROM pg_roles WHERE rolname = %s", name):
        _run(cursor, "CREATE ROLE {role} LOGIN", role=role)
    _run(cursor, "ALTER ROLE {role} LOGIN PASSWORD {password}", role=role, password=sql.Literal(password))
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    administrator = cursor.fetchone()
    if administrator and not administrator[0]:
        # Hosted servers give a role manager instead of a superuser; it must belong to the role
        # to hand a database over to it and to set its default privileges.
        _run(cursor, "GRANT {role} TO CURRENT_USER", role=role)


def _make_database(cursor: Cursor, version: int, name: str, owner: str) -> None:
    names = {"name": sql.Identifier(name), "owner": sql.Identifier(owner)}
    if _exists(cursor, "SELECT 1 FROM pg_database WHERE datname = %s", name):
        _run(cursor, "ALTER DATABASE {name} OWNER TO {owner}", **names)
        return
    # The same order of text on every server, and no index that an update of the system spoils.
    locale = "LOCALE 'C.UTF-8'"
    if version >= 170000:
        locale += " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
    _run(cursor, f"CREATE DATABASE {{name}} OWNER {{owner}} TEMPLATE template0 ENCODING 'UTF8' {locale}", **names)


def _make_extensions(cursor: Cursor) -> None:
    cursor.execute("SELECT name FROM pg_available_extensions")
    available = {name for (name,) in cursor.fetchall()}
    wanted = [*REQUIRED_EXTENSIONS, *(name for name in OPTIONAL_EXTENSIONS if name in available)]
    for name in wanted:
        _run(cursor, "CREATE EXTENSION IF NOT EXISTS {name}", name=sql.Identifier(name))


def _grant_schema(cursor: Cursor, owner: str, app: str) -> None:
    names = {"owner": sql.Identifier(owner), "app": sql.Identifier(app)}
    defaults = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT "
    for statement in (
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "ALTER SCHEMA public OWNER TO {owner}",
        "GRANT USAGE ON SCHEMA public TO {app}",
        # Defaults only, never "all tables": migrations take single rights away from the app
        # (the ledger's), and a second provisioning must not give them back.
        defaults + "SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
        defaults + "USAGE, SELECT, UPDATE ON SEQUENCES TO {app}",
        defaults + "EXECUTE ON FUNCTIONS TO {app}",
    ):
        _run(cursor, statement, **names)
