"""What may be fetched and run: writes the locks of packages and jars, and lists what they name.

It trusts what it is given. The differences are for a person to look at.
"""
