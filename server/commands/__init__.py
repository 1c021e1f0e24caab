"""One file for each command of `parley`; server/cli.py parses the line and hands over."""
