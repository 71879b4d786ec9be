"""How identity is reached."""
