"""Walk through the acceptance list: run the marked tests, print rows, tests and results, write build/acceptance.json.

`python -m tests.acceptance`; exit code 0 when every marked row passed.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[1]
ROWS = PROJECT / "tests" / "golden" / "acceptance-rows.json"
RESULT = PROJECT / "build" / "acceptance.json"


class _Watcher:
    """Keeps the marked tests only, and what became of them."""

    def __init__(self) -> None:
        self.rows_of: dict[str, list[str]] = {}
        self.outcome: dict[str, bool] = {}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Drop what carries no mark."""
        dropped = []
        for item in list(items):
            rows = [str(row) for mark in item.iter_markers("acceptance") for row in mark.args]
            if rows:
                self.rows_of[item.nodeid] = rows
            else:
                items.remove(item)
                dropped.append(item)
        config.hook.pytest_deselected(items=dropped)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test counts as passed when every phase of it did and it was not skipped."""
        passed = report.passed and not report.skipped
        self.outcome[report.nodeid] = self.outcome.get(report.nodeid, True) and passed


def main() -> int:
    """Run, print, write."""
    known = json.loads(ROWS.read_text("utf-8"))["rows"]
    watcher = _Watcher()
    status = pytest.main(["-q", "-p", "no:xdist", str(PROJECT / "tests"), *sys.argv[1:]], plugins=[watcher])
    tests: dict[str, list[str]] = defaultdict(list)
    for nodeid, rows in watcher.rows_of.items():
        for row in rows:
            tests[row].append(nodeid)
    unknown = sorted(set(tests) - set(known))
    shown: dict[str, dict[str, Any]] = {
        row: {"tests": sorted(tests[row]), "passed": all(watcher.outcome.get(test, False) for test in tests[row])}
        for row in sorted(tests)
    }
    context = {row for row, told in known.items() if told["kind"] == "C"}
    without = sorted(set(known) - set(shown) - context)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({**shown, "without_test": without}, ensure_ascii=False, indent=1), "utf-8")
    for row, told in shown.items():
        print(f"{'ok  ' if told['passed'] else 'FAIL'} {row:7} {known.get(row, {}).get('quotation', '?')}")
        for test in told["tests"]:
            print(f"             {test}")
    passed = sum(told["passed"] for told in shown.values())
    print(f"\n{passed} of {len(shown)} rows with tests pass; {len(without)} rows have no test yet; {RESULT}")
    if unknown:
        print(f"marks on rows that do not exist: {', '.join(unknown)}")
    return 0 if passed == len(shown) and shown and not unknown and status == pytest.ExitCode.OK else 1


if __name__ == "__main__":
    sys.exit(main())
