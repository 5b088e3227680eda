"""Grid service: one district manager per community. Stands on crm; empty so far."""
