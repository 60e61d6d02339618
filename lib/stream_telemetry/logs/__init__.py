"""Log lines for machines and for people, which never stop whoever writes them."""
