"""What is done once for an installation in containers: its secrets, and what its servers must hold."""
