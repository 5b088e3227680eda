"""Benchmarks: ratios measured in one run against a limit or a peer, how cost grows, memory. Never timed tests."""
