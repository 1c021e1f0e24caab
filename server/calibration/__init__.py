"""Measuring this machine with these weights, keeping what was found, and using it at start."""
