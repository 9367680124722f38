"""Histories and reports for other programs: XES, OCEL, CSV, JSON lines. Sealed values stay sealed."""
