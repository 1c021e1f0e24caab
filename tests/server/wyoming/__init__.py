"""Tests of server/wyoming/."""
