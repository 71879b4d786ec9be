"""The broker's side of a deployment: virtual host, users and what each may do, policies."""
