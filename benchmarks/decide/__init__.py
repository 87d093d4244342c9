"""Client or server: what the figures of saved runs say, with the network between."""
