"""Stand-ins for outside systems, as strict as the real ones; only where SIMULATORS is on."""
