"""What runs the house and mends it: workers, health, backup, erasure, accounts, damaged records.

Uses the opened engine of ``app``. Read first: ``worker``, ``health``, ``backup``.
"""
