"""Ids in, frozen dataclasses out."""
