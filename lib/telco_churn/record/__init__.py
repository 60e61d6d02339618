"""Which kind of record the job scores, and what it writes of one: by the contracts of a directory.

All that is known of a kind is in its files. Here they are read, and no name in them is known.
"""
