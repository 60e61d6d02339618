"""A query's checkpoint as Spark sees it: its files, and what Spark's logs in it say.

Whatever the scheme, and whatever file system the site has made the default one.
"""
