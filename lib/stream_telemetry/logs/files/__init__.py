"""Files that log lines go to: whole lines, rotation, a file for each process.

Whatever happens to a file, its process goes on, and the lines that are lost are counted. The
content of a line does not matter here.
"""
