"""
Migrate without rendering the whole house anew after every step.

After each operation Django renders every model that is related to the changed one, which here is nearly all of them:
some seventy for each of a thousand operations, nine tenths of the time an empty database takes. Operations that look
at one table alone need that one model; before any other, all of them are rendered from the state, as Django would.
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db.migrations import operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger, RemoveTrigger

_OF_ONE_TABLE = (
    operations.CreateModel,
    operations.AddField,
    operations.RemoveField,
    operations.AddConstraint,
    operations.RemoveConstraint,
    operations.AddIndex,
    operations.RemoveIndex,
    operations.AlterModelOptions,
    operations.RunSQL,
    AddTrigger,
    RemoveTrigger,
)


class OneTableState(ProjectState):
    """A state that renders the changed model alone while `is_one_table`, and knows whether others look back rightly."""

    is_one_table = False
    is_stale = False

    def clone(self) -> OneTableState:
        """A copy that goes on the same way."""
        copy = OneTableState()
        copy.__dict__ |= super().clone().__dict__ | {"is_one_table": self.is_one_table, "is_stale": self.is_stale}
        return copy

    def reload_model(self, app_label: str, model_name: str, delay: bool = False) -> None:
        """Render a model that has changed, and the others related to it unless nothing asks for them."""
        if not self.is_one_table:
            super().reload_model(app_label, model_name, delay)
        elif "apps" in self.__dict__:
            self._reload({(app_label, model_name)})  # type: ignore[attr-defined]
            self.is_stale = True

    def render_all_when_asked(self) -> None:
        """Forget models whose relations may be out of date; the next who asks gets all of them rendered."""
        if self.is_stale:
            self.__dict__.pop("apps", None)
            self.is_stale = False


class Executor(MigrationExecutor):
    """Applies migrations that touch one table at a time the short way."""

    def _create_project_state(self, with_applied_migrations: bool = False) -> OneTableState:
        whole = super()._create_project_state(with_applied_migrations)  # type: ignore[misc]
        return OneTableState(whole.models, whole.real_apps)

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Apply one migration forwards."""
        if not isinstance(state, OneTableState):
            return super().apply_migration(state, migration, fake, fake_initial)
        state.is_one_table = all(is_of_one_table(operation) for operation in migration.operations)
        if not state.is_one_table:
            state.render_all_when_asked()
        try:
            return super().apply_migration(state, migration, fake, fake_initial)
        finally:
            state.is_one_table = False

    def migrate(self, *arguments: Any, **options: Any) -> ProjectState:
        """Migrate; the state that comes back is true for whoever listens to the end of it."""
        state = super().migrate(*arguments, **options)
        if isinstance(state, OneTableState):
            state.render_all_when_asked()
        return state


def is_of_one_table(operation: Operation) -> bool:
    """Whether an operation needs no model's view of those that point to it."""
    if isinstance(operation, operations.AlterField):
        field = operation.field
        return not (field.primary_key or field.unique or field.is_relation)
    return isinstance(operation, _OF_ONE_TABLE)


class Command(migrate.Command):
    """Django's own, with the quicker executor."""

    def handle(self, *arguments: Any, **options: Any) -> None:
        """As Django does it."""
        whole, migrate.MigrationExecutor = migrate.MigrationExecutor, Executor  # type: ignore[attr-defined]
        try:
            super().handle(*arguments, **options)
        finally:
            migrate.MigrationExecutor = whole  # type: ignore[attr-defined]
