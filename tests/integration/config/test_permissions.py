"""Who may do what: words, grants, scopes; the API lets nobody in by default."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from config.shared.errors import NotAllowed
from config.shared.models import OrgUnit, Role, RoleGrant, User
from config.shared.permissions import PERMISSIONS, may, needs, scope_of
from config.shared.roles import load_roles
from config.shared.web.pages import requires
from tests.factories.world import make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> OrgUnit:
    load_roles()
    return make_unit(None, OrgUnit.Kind.CITY, "P1", "江汉")


class TestGrants:
    def test_a_role_gives_its_words_and_no_others(self, city: OrgUnit) -> None:
        clerk = make_user("clerk", city, "clerk")

        assert may(clerk, "payments.take_payment")
        assert not may(clerk, "cis.run_billing")

    def test_the_scope_is_the_unit_of_the_grant(self, city: OrgUnit) -> None:
        county = make_unit(city, OrgUnit.Kind.COUNTY, "P2", "东湖")
        clerk = make_user("clerk", county, "clerk")
        RoleGrant.objects.create(user=clerk, role=Role.objects.get(code="accountant"), org_unit=city)

        assert scope_of(clerk, "payments.take_payment") == [county.path]
        assert city.path in scope_of(clerk, "cis.run_billing")
        assert county.path.startswith(city.path)

    def test_strangers_anonymous_and_dismissed_people_may_nothing(self, city: OrgUnit) -> None:
        stranger = make_user("stranger", city, None)
        dismissed = make_user("dismissed", city, "administrator")
        dismissed.is_active = False

        for user in (stranger, dismissed, AnonymousUser()):
            assert not any(may(user, permission) for permission in PERMISSIONS)

    def test_grants_are_read_once_a_request(self, city: OrgUnit, django_assert_num_queries: Any) -> None:
        clerk = make_user("clerk", city, "clerk")

        with django_assert_num_queries(1):
            for permission in PERMISSIONS:
                may(clerk, permission)

    def test_every_word_of_every_starting_role_is_known(self, city: OrgUnit) -> None:
        for role in Role.objects.all():
            assert set(role.permissions) <= PERMISSIONS.keys(), role.code


class TestDoors:
    def ask(self, view: type[APIView], user: User | None) -> int:
        request = APIRequestFactory().get("/x")
        if user is not None:
            force_authenticate(request, user)
        return int(view.as_view()(request).status_code)

    def test_a_view_that_names_no_permission_lets_nobody_in(self, city: OrgUnit) -> None:
        class Open(APIView):
            def get(self, _request: Any) -> Response:
                return Response({})

        assert self.ask(Open, make_user("administrator", city, "administrator")) == 403

    def test_a_named_permission_lets_in_who_holds_it(self, city: OrgUnit) -> None:
        class Named(APIView):
            permission_classes = [needs("payments.take_payment")]

            def get(self, _request: Any) -> Response:
                return Response({})

        assert self.ask(Named, make_user("clerk", city, "clerk")) == 200
        assert self.ask(Named, make_user("stranger", city, None)) == 403
        assert self.ask(Named, None) in (401, 403)

    def test_a_page_refuses_who_lacks_it_and_asks_strangers_to_sign_in(self, city: OrgUnit, rf: Any) -> None:
        @requires("payments.take_payment")
        def page(_request: HttpRequest) -> HttpResponse:
            return HttpResponse("the page")

        request = rf.get("/x")
        request.user = make_user("clerk", city, "clerk")
        assert page(request).status_code == 200
        request.user = make_user("stranger", city, None)
        with pytest.raises(NotAllowed):
            page(request)
        request.user = AnonymousUser()
        assert page(request).status_code == 302
