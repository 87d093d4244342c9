"""Servers that answer by the Open Inference Protocol v2: one that is started here, and any that exists."""
