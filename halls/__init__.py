"""Smart service halls: counters, tickets, screens, ratings, payment circles."""
