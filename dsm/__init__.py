"""Demand side: forecasts, shortage plans, demand response, savings. Stands on crm; empty so far."""
