"""What happens to a case: command, checks, handler, instance, effects, history, read models.

Uses release and everything below. Read first: ``commands``, ``dispatch``, ``instance``.
"""
