"""A real single-node Kafka on this machine, its topics and what is in them.

It listens on the loopback address and ends with the process that started it.
"""
