"""How fast the project is, beside the machine's limit and beside the same work done as the public code does it."""
