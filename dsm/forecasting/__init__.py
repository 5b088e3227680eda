"""Pure: what load is expected tomorrow, by forecasters of one registry; scores and backtests of what they said."""
