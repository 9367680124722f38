"""Histories and reports for other programs: XES, OCEL, CSV, JSON lines. Sealed values stay sealed.

Uses queries, case and everything below. Read first: ``events``, ``xes``, ``tables``.
"""
