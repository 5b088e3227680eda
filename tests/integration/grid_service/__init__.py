"""Tests of grid service."""
