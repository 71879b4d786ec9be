"""What notifications refuses, beyond bad input and lack of rights."""

from services.chassis.refusal import Kind, Refusal, Unavailable


class PersonNotYetKnown(Unavailable):
    """An event tells of a person whose registration has not arrived here yet; it is handled when it has."""

    type = "person-not-yet-known"
    it = "La persona non è ancora nota alle notifiche."
    en = "The person is not yet known to notifications."


class TooManyEndpoints(Refusal):
    """The cooperative has as many webhook endpoints as it may have."""

    kind = Kind.CONFLICT
    type = "too-many-webhook-endpoints"
    it = "Sono ammessi al massimo {maximum} indirizzi webhook: eliminarne uno prima."
    en = "At most {maximum} webhook endpoints are allowed: delete one first."


class EndpointExists(Refusal):
    """The cooperative already has an endpoint with this URL."""

    kind = Kind.ALREADY_EXISTS
    type = "webhook-endpoint-exists"
    it = "Questo indirizzo webhook è già registrato."
    en = "This webhook endpoint is already registered."


class EndpointDisabled(Refusal):
    """Nothing is sent to a disabled endpoint; a new one is registered instead, and the feed has what it
    missed.
    """

    kind = Kind.CONFLICT
    type = "webhook-endpoint-disabled"
    it = "L'indirizzo webhook è disattivato: registrarlo di nuovo; gli eventi mancati sono nel feed."
    en = "The webhook endpoint is disabled: register it again; the events it missed are in the feed."


class FeedCursorTooOld(Refusal):
    """Events after this cursor are no longer kept, so that reading on from it would skip some."""

    kind = Kind.CONFLICT
    type = "feed-cursor-too-old"
    it = "Gli eventi successivi a questo cursore non sono più conservati: ripartire dall'inizio."
    en = "Events after this cursor are no longer kept: start again from the beginning."
