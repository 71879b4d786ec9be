"""Roles and powers, as tokens name them: what identity signs and every other service decides by.

A role is written `name:scope`. A power is what one person may do for another; it is given by a delegation, or
for half an hour by an assistance session at a Social Point.
"""

from typing import Final

CITIZEN: Final = "citizen"  # scope *
SOCIAL_POINT_OPERATOR: Final = "social_point_operator"  # scope: slug of the Social Point
SOCIAL_WORKER: Final = "social_worker"  # scope: Belfiore code of the comune
COMUNE_OFFICER: Final = "comune_officer"  # scope: Belfiore code of the comune
PLAN_OFFICE: Final = "plan_office"  # Ufficio di Piano; scope: slug of the ambito
PROVIDER_STAFF: Final = "provider_staff"  # scope: slug of the cooperative
PROVIDER_CLIENT: Final = "provider_client"  # a cooperative's system; scope: slug of the cooperative

ROLES: Final = frozenset(
    {
        CITIZEN,
        SOCIAL_POINT_OPERATOR,
        SOCIAL_WORKER,
        COMUNE_OFFICER,
        PLAN_OFFICE,
        PROVIDER_STAFF,
        PROVIDER_CLIENT,
    }
)

READ: Final = "read"
CHOOSE_PROVIDER: Final = "choose_provider"
BOOK: Final = "book"

POWERS: Final = frozenset({READ, CHOOSE_PROVIDER, BOOK})
