"""The broker's side of a deployment: what it must hold for these services and this territory."""
