"""Customer relations: profiles and tags, tiers, key accounts, campaigns. Stands on cis and payments; empty so far."""
