"""A migrated database is what the models say: every column, key, index and constraint, nothing half done."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models

pytestmark = pytest.mark.django_db


def managed() -> list[type[models.Model]]:
    """Every model of the house with a table of its own, those between two others too."""
    ours = [app for app in apps.get_app_configs() if app.name in (*settings.HOUSE_APPS, "config.shared")]
    every = [model for app in ours for model in app.get_models(include_auto_created=True)]
    return [model for model in every if model._meta.managed and not model._meta.proxy]


class TestAMigratedDatabase:
    def test_has_the_columns_of_the_models_and_no_others(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull"
                " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
                " AND a.attnum > 0 AND NOT a.attisdropped"
            )
            rows = cursor.fetchall()
            names = {model._meta.db_table for model in managed()}
            there = {(table, column): (kind, null) for table, column, kind, null in rows if table in names}
            meant = {}
            for model in managed():
                for field in model._meta.local_concrete_fields:
                    kind = field.db_type(connection)
                    if kind:  # a composite key has no column of its own
                        cursor.execute("SELECT format_type(to_regtype(%s), to_regtypemod(%s))", [kind, kind])
                        meant[model._meta.db_table, field.column] = (cursor.fetchone()[0], field.null)

        assert there == meant

    def test_has_every_foreign_key_index_and_constraint(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint"
                " UNION SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index"
            )
            names = set(cursor.fetchall())
            cursor.execute(
                "SELECT conrelid::regclass::text, a.attname, confrelid::regclass::text FROM pg_constraint k"
                " JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]"
                " WHERE contype = 'f' AND cardinality(conkey) = 1"
            )
            keys = set(cursor.fetchall())
        missing: list[tuple[str, ...]] = []
        for model in managed():
            table = model._meta.db_table
            named = [*model._meta.constraints, *model._meta.indexes]
            missing += [(table, one.name) for one in named if (table, one.name) not in names]
            for field in model._meta.local_concrete_fields:
                if isinstance(field, models.ForeignKey) and field.db_constraint:  # type: ignore[attr-defined]
                    key = (table, field.column, field.related_model._meta.db_table)
                    missing += [key] if key not in keys else []

        assert missing == []

    def test_has_every_trigger(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal")
            there = set(cursor.fetchall())
        meant = {
            (model._meta.db_table, trigger.get_pgid(model))
            for model in managed()
            for trigger in getattr(model._meta, "triggers", ())
        }

        assert meant
        assert meant <= there
