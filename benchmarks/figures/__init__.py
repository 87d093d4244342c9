"""Commands that print the figures the suite must reach, each by itself.

fidelity, repeat, soak and endurance check what it measures; cost and fresh, how long that takes; gate_proof and
turn_cost, how far the gate can be believed. rooms prints how the suite is built, tables the tables of README and docs.
"""
