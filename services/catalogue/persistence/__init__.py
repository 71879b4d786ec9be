"""Where catalogue keeps what it knows: tables, statements and migrations."""
