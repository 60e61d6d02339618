"""`--dry-run`: would the job start, and what would it read? Nothing is read or written."""
