"""Nouns and files shared by every floor: standard library, numpy and Pillow only."""
