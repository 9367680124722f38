"""Who may: accounts, roles, rules of duty, who is complained about, and who looked at what.

Uses storage and base. Read first: ``directory``, ``roles``, ``rules``.
"""
