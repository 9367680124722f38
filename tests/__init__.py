"""Tests: units, integration on both databases, scenarios, browser, faults, architecture."""
