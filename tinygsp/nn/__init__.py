"""What the first lessons build: gates, layers, losses, optimisers, the check of their gradients, and the kernels.

Read `gradcheck.py` first, then `gates.py` and `layers.py`.
"""
