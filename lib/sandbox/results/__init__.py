"""What became of the events: the first results while they arrive, and the sum at the end.

Both are read from the topics alone; nothing here asks the job.
"""
