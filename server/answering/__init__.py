"""Answers by a language model: who is asked, with what, and what becomes of what it says."""
