"""
Pure: the process in which a strategy runs apart: a problem on standard input, a plan on standard output.

`python -m dsm.shedding.child optimum 40 1200`: the strategy, the seconds its solvers may take, the most cells.
"""

from __future__ import annotations

import sys

from dsm.shedding.strategies import STRATEGIES
from dsm.shedding.strategies.strategy import Limits
from dsm.shedding.transfer import pack_plan, unpack_problem


def main(arguments: list[str]) -> int:
    """Make the plan; whoever started us may kill us at any time."""
    code, seconds, cells = arguments
    # The solver writes to standard output by itself at times; the plan has it alone.
    out, sys.stdout = sys.stdout.buffer, sys.stderr
    problem = unpack_problem(sys.stdin.buffer.read())
    out.write(pack_plan(STRATEGIES[code].make(problem, Limits(float(seconds), int(cells)))))
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
