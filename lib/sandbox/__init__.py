"""A real single-node Kafka on this machine, for trying the job and for its tests."""
