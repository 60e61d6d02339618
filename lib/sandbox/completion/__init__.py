"""What `./spark-submit.sh` takes, for a shell that completes it: its own options and all others.

It belongs to the sandbox because that is where all of them are known.
"""
