"""Data sets of walks and what turns a recording into a network input."""
