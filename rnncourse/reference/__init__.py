"""NumPy: every cell forward, and backward by hand. One idea per file; none imports torch at the top."""
