"""One module a step; ``tests/architecture`` compares the last one with the tables."""
