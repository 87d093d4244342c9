"""Commands that print the figures the suite must reach, each by itself: fidelity, cost, fresh."""
