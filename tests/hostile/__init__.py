"""Hostile input: files made to crash, escape, or eat all time and memory; each is refused with words, or runs."""
