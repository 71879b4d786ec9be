from services.chassis.definition import ServiceDefinition
from tests.chassis.probe.events import DONE, DOOMED

SERVICE = ServiceDefinition(
    name="probe",
    settings="services.chassis.settings:ServiceSettings",
    migrations="tests.chassis.probe.persistence.migrations",
    subscriptions="tests.chassis.probe.worker:subscriptions",
    jobs="tests.chassis.probe.worker:jobs",
    consumes=frozenset({DONE, DOOMED}),
)
