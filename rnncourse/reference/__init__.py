"""NumPy: every cell forward, and backward by hand. One idea per file; nothing here imports torch at the top."""
