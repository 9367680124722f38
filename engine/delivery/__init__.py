"""What goes out of the house and what time brings: outbox and gateways, linked cases, timers, schedule.

Uses case and everything below. Read first: ``outbox``, ``timers``, ``gateways``.
"""
