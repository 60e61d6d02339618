"""A query's checkpoint as Spark sees it: its files, and what Spark's logs in it say.

It works for every scheme, and whatever file system is the site's default.
"""
