"""Log lines for machines and for people, and one for each record within a limit.

Writing a line never stops whoever writes it. Lines that are lost are counted.
"""
