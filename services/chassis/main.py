"""The command line of a service: `python -m services.<name> grpc | worker | relay | migrate | …`."""

from services.chassis.definition import ServiceDefinition, load

__all__ = ["ServiceDefinition", "load"]
