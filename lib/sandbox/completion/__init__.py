"""The completion of `./spark-submit.sh` in a shell: its own options, the job's, the sandbox's, Spark's.

It belongs to the sandbox because that is where all of them are known.
"""
