"""The demonstration utility: one fictitious city in Hubei, generated, and the loader of larger ones for measuring."""
