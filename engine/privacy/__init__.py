"""Personal data: what is sealed, with which key, and what stays once the key is gone.

Uses storage and base. Read first: ``sealing``, ``keys``.
"""
