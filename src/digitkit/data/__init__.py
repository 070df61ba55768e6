"""Data sources to splits: numpy only, native pixels."""
