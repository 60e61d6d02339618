"""Log lines for machines and for people, and one for each record within a limit.

Writing a line never blocks the thread that writes it. Lost lines are counted.
"""
