"""Complaints from files: mappings, the reader, triage, and the import itself.

Uses the opened engine and everything below. Read first: ``importing``, ``mapping``, ``triage``.
"""
