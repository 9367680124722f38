"""When something is due, and why: calendars, durations, named limits, and the words that explain them.

Uses base. Read first: ``time_rules``, ``calendar``, ``parameters``.
"""
