"""Five layers that can be seen, and calls that only go down."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
APPS = ("cis", "payments", "crm", "dsm", "halls", "grid_service")
LINTED = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
CONTRACTS, ROOTS = LINTED["contracts"], LINTED["root_packages"]


def contract(contract_id: str) -> dict[str, object]:
    """One contract of pyproject.toml."""
    return next(row for row in CONTRACTS if row["id"] == contract_id)


def pure_packages() -> list[str]:
    """Every package or module of the house whose docstring begins with "Pure:"."""
    found = []
    for root in ("config", *APPS):
        for path in sorted((PROJECT / root).rglob("*.py")):
            text = path.read_text("utf-8").lstrip()
            opening = text[:200].lstrip('"').lstrip()
            if not text.startswith('"""') or not opening.startswith("Pure:"):
                continue
            parts = path.relative_to(PROJECT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


class TestLayers:
    """The contracts say it; a forbidden import would break them."""

    @pytest.mark.acceptance("000-41")
    def test_every_contract_is_kept(self) -> None:
        answer = subprocess.run(
            [str(Path(sys.executable).parent / "lint-imports")],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )

        assert answer.returncode == 0, answer.stdout

    @pytest.mark.acceptance("000-41")
    def test_a_call_upwards_breaks_them(self, tmp_path: Path) -> None:
        for part in ROOTS:
            (tmp_path / part).symlink_to(PROJECT / part)
        (tmp_path / "cis").unlink()
        subprocess.run(["cp", "-r", str(PROJECT / "cis"), str(tmp_path / "cis")], check=True)
        (tmp_path / "pyproject.toml").write_text((PROJECT / "pyproject.toml").read_text("utf-8"), "utf-8")
        (tmp_path / "cis" / "queries" / "wrong.py").write_text("from cis.operations import billing\n", "utf-8")

        answer = subprocess.run(
            [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert answer.returncode == 1 and "cis.queries.wrong" in answer.stdout

    @pytest.mark.parametrize("app", APPS)
    def test_every_app_has_its_front_door(self, app: str) -> None:
        assert contract(f"{app}-front-door")["protected_modules"] == [app]
        assert app in contract("inside-an-app")["containers"]  # type: ignore[operator]

    @pytest.mark.acceptance("000-41")
    @pytest.mark.parametrize("app", APPS)
    def test_every_app_shows_the_same_layers(self, app: str) -> None:
        for layer in ("web", "operations", "queries", "models"):
            assert (PROJECT / app / layer).is_dir() or (PROJECT / app / f"{layer}.py").is_file(), layer


class TestPurity:
    """Kernels compute; they load no framework, not even by accident."""

    def test_there_are_some(self) -> None:
        assert {"cis.rating", "cis.validation", "config.shared.money"} <= set(pure_packages())

    @pytest.mark.parametrize("package", pure_packages())
    def test_a_fresh_process_that_imports_it_knows_no_framework(self, package: str) -> None:
        program = (
            f"import sys, {package}\n"
            "print(sorted({m.split('.')[0] for m in sys.modules} "
            "& {'django', 'celery', 'rest_framework', 'psycopg2', 'redis'}))"
        )

        answer = subprocess.run(
            [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
        )

        assert answer.stdout.strip() == "[]"

    @pytest.mark.parametrize("package", pure_packages())
    def test_it_stands_in_the_contract(self, package: str) -> None:
        named = contract("pure-kernels")["source_modules"]

        assert any(package == name or package.startswith(f"{name}.") for name in named)  # type: ignore[attr-defined]
