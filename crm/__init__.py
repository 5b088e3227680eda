"""Customer relations: profiles and tags, tiers, satisfaction, key accounts."""
