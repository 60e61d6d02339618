"""Commands beside the job: producer, training, verifier, labels and more; and their customers.

They use the job's packages; the job never uses them.
"""
