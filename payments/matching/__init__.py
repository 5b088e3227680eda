"""Pure: reading what channels say that they took."""
