"""Pure: rotation groups of equal power."""

from __future__ import annotations

import numpy as np

from dsm.shedding.problem import Ints


def equal_groups(power_kw: Ints, *, groups: int) -> Ints:
    """
    A group (1 to `groups`) for each customer, so that the groups give about equal power (difference at most 5 %
    wherever no single customer is greater than that).

    The greatest first, each into the group that has least so far (longest-processing-time rule); equal customers go
    in their own order, so that the same list gives the same groups.
    """
    if groups < 1:
        raise ValueError("there is at least one group")
    sums = np.zeros(groups, np.int64)
    counts = np.zeros(groups, np.int64)
    found = np.zeros(len(power_kw), np.int64)
    for row in np.argsort(-power_kw, kind="stable"):
        least = int(np.lexsort((counts, sums))[0])
        found[row] = least + 1
        sums[least] += power_kw[row]
        counts[least] += 1
    return found
