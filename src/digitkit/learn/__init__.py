"""Everything that prepares, trains or scores with torch."""
