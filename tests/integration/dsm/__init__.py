"""The demand side on real Postgres."""
