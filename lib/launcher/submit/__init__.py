"""From the words of a command line to one `spark-submit` command and its environment.

It reads and checks; only `launcher.__main__` and the sandbox start what it has put together.
"""
