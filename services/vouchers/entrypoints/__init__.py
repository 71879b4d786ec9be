"""How the service is reached: gRPC, events, commands."""
