"""A whole territory, as read from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from services.contracts.territory.accounts import ApiClient, StaffAccount
from services.contracts.territory.ambito import Ambito
from services.contracts.territory.catalogue import Category, Offering, Service
from services.contracts.territory.funding import Budget, Fund, IseeTable, Measure
from services.contracts.territory.places import Closure, Comune, SocialPoint
from services.contracts.territory.providers import Provider
from services.contracts.territory.types import Strict


class Territory(Strict):
    """Everything that makes the general system the system of one ambito. Valid and consistent once read.

    Entries keep the order of their files. Two territories are equal if all their entries are.
    """

    ambito: Ambito
    comuni: tuple[Comune, ...]
    social_points: tuple[SocialPoint, ...]
    closures: tuple[Closure, ...]
    categories: tuple[Category, ...]
    funds: tuple[Fund, ...]
    measures: tuple[Measure, ...]
    budgets: tuple[Budget, ...]
    isee_tables: tuple[IseeTable, ...]
    providers: tuple[Provider, ...]
    services: tuple[Service, ...]
    offerings: tuple[Offering, ...]
    staff: tuple[StaffAccount, ...]
    api_clients: tuple[ApiClient, ...]

    @cached_property
    def comune_by_belfiore(self) -> Mapping[str, Comune]:
        """Comuni by Belfiore code."""
        return {comune.belfiore: comune for comune in self.comuni}

    @cached_property
    def provider_by_slug(self) -> Mapping[str, Provider]:
        """Providers by slug."""
        return {provider.slug: provider for provider in self.providers}

    @cached_property
    def service_by_slug(self) -> Mapping[str, Service]:
        """Services by slug."""
        return {service.slug: service for service in self.services}

    @cached_property
    def measure_by_slug(self) -> Mapping[str, Measure]:
        """Measures by slug."""
        return {measure.slug: measure for measure in self.measures}
