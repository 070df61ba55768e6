"""A trained run to one portable bundle."""
