"""What the process counts, tells and warns of; nothing here takes part in a turn."""
