"""The ladder of tiers below each stage: memory, Redis, disk; keys, entries and who writes them."""
