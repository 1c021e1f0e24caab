"""Where settings come from and how they are checked; server/settings.py names them."""
