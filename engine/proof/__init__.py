"""Is it true: re-execution of a history, and signed heads of all cases.

Uses case and everything below. Read first: ``verify``, ``checkpoints``.
"""
