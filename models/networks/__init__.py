"""Networks of the sizes that people ship, which are only timed: torchvision's definitions with weights nobody trained.

    python -m models.networks [NAME …]

How long an inference takes does not depend on what was learnt; what it answers does, so nobody is told their accuracy.
They are made where they are first asked for, in ``models/untrained/``, which git does not have, with a manifest beside
them. :mod:`definition` is the network in PyTorch, :mod:`weights` draws its weights, :mod:`make` writes its files.
"""
