"""How this service reaches the outside: names, HTTP receivers, the mail server."""
