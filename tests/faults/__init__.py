"""Each file proves one row, or a few, of the table of faults."""
