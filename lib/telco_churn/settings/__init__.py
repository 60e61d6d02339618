"""The job's settings: where each comes from, what it may be, and the pages that list them.

A setting is declared by the package that uses it; here the sections are put together.
"""
