"""Tests of audio/: each file mirrors one module."""
