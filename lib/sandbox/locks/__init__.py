"""What may be fetched and run: writes anew the locks of the Python packages and of the jars.

It trusts what it is given. The differences are for a person to look at.
"""
