"""How a figure is made and how far it can be trusted: blocks, ratios, the witness, the reference. Nothing of pytest."""
