"""One short function per verb; heavy imports inside."""
