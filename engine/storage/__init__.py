"""Tables, transactions, locks and migrations: the one place that knows databases.

Uses base. Read first: ``tables``, ``database``, ``upgrade``.
"""
