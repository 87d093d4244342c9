"""Rows of saved runs as charts need them: which stand in one together, what they are called, which marks they have."""
