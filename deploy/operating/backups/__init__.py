"""What `backup` and `restore` are made of: the copy of the databases, the broker, the manifest."""
