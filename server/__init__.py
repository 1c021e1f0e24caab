"""Sessions, turns, stages and the door; the only package that sees all the others."""
