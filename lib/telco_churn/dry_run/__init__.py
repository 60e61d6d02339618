"""`--dry-run`: every check of a start, and what the job would read; nothing is read or written."""
