"""
Pure: the ten-minute payment circle: who reaches a pay point on foot, which blocks do not, what a new point would add.

Customers come as cells: a place, the block it lies in and how many customers live there, so that a province of
millions is some ten thousand rows. Distances are great-circle metres; the way on foot is longer by a detour factor.
"""

from __future__ import annotations

from halls.coverage.circle import Block, Circle, circle_of
from halls.coverage.geodesy import distances_m, reach_m
from halls.coverage.sites import Site, best_sites, gain_of

__all__ = ["Block", "Circle", "Site", "best_sites", "circle_of", "distances_m", "gain_of", "reach_m"]
