"""Commands of the command line, one module each.

Uses everything. Read first: ``common``, ``verify``, ``operations``.
"""
