"""What other engines than Compose are told, made from the compose files: Swarm and Kubernetes."""
