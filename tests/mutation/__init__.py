"""How well the tests catch wrong code: small faults are put into the engine one at a time, and something must fail.

``python -m tests.mutation`` (``make mutants``). Read :mod:`.operators` first: the kinds of fault. :mod:`.trial` puts
one into a copy of the tree and asks the types, then the tests that run its line (:mod:`.covered`). What survives is a
missing test, or stands in ``equivalent.json`` with the reason why nothing can notice it.
"""
