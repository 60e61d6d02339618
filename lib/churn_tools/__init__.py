"""Commands beside the job: customers, producer, training, verifier, past a record.

They use the job's packages; the job never uses them.
"""
