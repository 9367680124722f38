"""What helps to draw: findings, layout, and the gate before a release.

Uses release and everything below. Read first: ``lint``, ``layout``, ``publish_gate``.
"""
