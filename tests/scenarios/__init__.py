"""Processes played through on the real engine."""
