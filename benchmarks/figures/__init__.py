"""Commands that print the figures the suite must reach, each by itself.

fidelity, repeat, soak and endurance: of what it measures; cost and fresh: of what that takes; tables: the README's.
"""
