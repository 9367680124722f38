"""Synthetic agents and customers who work open cases through the same commands, on a simulated clock.

Everything is drawn from random generators of the run's own, seeded by the run's seed: no wall clock, no hash order.
The same seed on the same cases gives the same histories, byte for byte.

Uses the opened engine and everything below. Read first: ``running``, ``simulator``, ``staff``.
"""
