"""Predictions and submissions over HTTP."""
