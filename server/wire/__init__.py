"""The events of both directions, sans-I/O, and the one way out of a session."""
