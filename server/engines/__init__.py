"""Choosing, loading, warming and exchanging the engines and what questions are answered from."""
