"""What is fetched or made once for this user and kept: jars, a home for Java.

Everything in it can be fetched or made again.
"""
