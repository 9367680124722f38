"""Is it true: re-execution of a history, the log of what was so when, its signed checkpoints, proofs from it.

Uses case and everything below. Read first: ``verify``, ``log``, ``checkpoints``.
"""
