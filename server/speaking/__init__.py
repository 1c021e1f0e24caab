"""How an answer's sound is cut, paced, and known to have been heard."""
