"""Networks, losses and algorithms."""
