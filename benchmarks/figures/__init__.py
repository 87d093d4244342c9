"""Commands that print the figures the suite must reach, each by itself.

fidelity, soak and endurance check what it measures; repeat and doubts, what its intervals and marks are worth;
fresh_starts, from what it must draw; cost and fresh, how long that takes; gate_proof and turn_cost, how far the gate
can be believed; link, what networks obtain. rooms prints how the suite is built, tables the tables of the docs; study
writes the study's page and the README's table, picture the README's picture.
"""
