"""Saved runs side by side, a column a machine: what differs, what is missing, what is doubtful."""
