"""Pure: copy-and-run examples for whoever connects to us, as the integrators' page shows and tests run them."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
CURL = (_HERE / "example.sh").read_text(encoding="utf-8")
RECEIVER = (_HERE / "example_receiver.py").read_text(encoding="utf-8")
PYTHON = (_HERE / "example_client.py").read_text(encoding="utf-8")
RECEIPT = (_HERE / "example_client_receipt.py").read_text(encoding="utf-8")
