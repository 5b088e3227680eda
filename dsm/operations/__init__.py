"""One business act each, in one transaction."""
