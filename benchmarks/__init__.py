"""Committed measurements: each figure in the README comes from a module here."""
