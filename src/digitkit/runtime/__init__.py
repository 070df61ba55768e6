"""Reads pictures with a bundle, without torch."""
