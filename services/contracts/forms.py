"""Forms of the values in requests and in a territory's files, as pydantic types: the gateway documents them,
the services enforce them.
"""

from typing import Annotated

from pydantic import StringConstraints

from services.contracts import limits

Slug = Annotated[str, StringConstraints(pattern=limits.SLUG, max_length=limits.SLUG_CHARACTERS)]
"""Lower-case words joined by hyphens: safe in URLs, routing keys and queue names."""
OptionalSlug = Annotated[
    str, StringConstraints(pattern=rf"^$|{limits.SLUG}", max_length=limits.SLUG_CHARACTERS)
]
"""A slug, or nothing."""
Belfiore = Annotated[str, StringConstraints(pattern=limits.COMUNE)]
"""Cadastral code of a comune, as in the codice fiscale."""
OptionalBelfiore = Annotated[str, StringConstraints(pattern=rf"^$|{limits.COMUNE}")]
"""A Belfiore code, or nothing."""
