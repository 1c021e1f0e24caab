"""Each file proves one row, or a few, of the table of faults: what a client may do and outlive."""
