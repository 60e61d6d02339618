"""From files that others may write to files that may be loaded.

A model is code to Spark. So its files are copied before they are checked, and what is loaded is the
copy: nothing in it is a link, waits for a writer, or grows without bounds.
"""
