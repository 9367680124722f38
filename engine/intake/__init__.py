"""Complaints from files: mappings, the reader, triage, and the import itself."""
