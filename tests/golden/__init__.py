"""Histories recorded under each version of the engine's behaviour, replayed byte for byte on every run."""
