"""Demand side: load series, forecasts, shortage plans."""
