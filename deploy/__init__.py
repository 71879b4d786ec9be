"""How Ambito is put on a machine. Nothing in here is imported by the services or the gateway."""
