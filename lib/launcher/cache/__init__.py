"""What is fetched or made once for this user and kept: jars, a home for Java.

It never holds anything that cannot be had again.
"""
