"""The ground everybody stands on: errors, settings, logs, instants, and the doors by which files come in and go out.

Uses nothing of the engine. Read first: ``errors``, ``settings``, ``instants``.
"""
