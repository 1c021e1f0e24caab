"""Speech and language engines, each behind a small Protocol; knows nothing of sessions."""
