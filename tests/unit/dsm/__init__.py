"""The demand side's kernels."""
