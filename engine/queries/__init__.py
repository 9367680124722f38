"""What pages read: plain functions on the tables. None of them knows SpiffWorkflow or changes a case.

Uses release and everything below. Read first: ``work``, ``cases``, ``timeline``.
"""
