"""`python -m benchmarks.rating_growth N`: what it costs to rate the curves of N customers, and the memory it takes."""

from __future__ import annotations

import json
import sys

from benchmarks.processes import peak_memory_mib
from benchmarks.rating import growing

if __name__ == "__main__":
    print(json.dumps({**growing(int(sys.argv[1])), "peak_mib": round(peak_memory_mib(), 1)}))
