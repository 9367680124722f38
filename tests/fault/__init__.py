"""Faults that really happen: killed processes, stopped commits, races, full disks, jumping clocks."""
