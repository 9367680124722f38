"""The whole system in one thread: pages, workers, gateways, clocks and storage, all driven by one seed.

Several opened engines stand for several processes on one database file. A seed decides who does what when, who is
stopped where, what the outside answers and what the disk keeps; in the end an independent model judges what is there.
Read first: ``world``, ``model``, ``test_system``.
"""
