"""Service halls: zones, counters, queueing, nearest hall, payment circle. Stands on crm; empty so far."""
