"""What is lost and what is passed off when something goes wrong: faults, injected one after another."""
