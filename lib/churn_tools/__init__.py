"""Commands beside the job: producer, training, verifier, skipping a record; and their customers.

They use the job's packages; the job never uses them.
"""
