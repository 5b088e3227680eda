"""The description of the API; the apps' own addresses are put beside it by `config.urls`."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny

from config.shared.api.my_schema import MySchema

urlpatterns = [
    # Whoever writes a program against the API may read what it offers; it names no customer.
    path(
        "schema/",
        login_not_required(SpectacularAPIView.as_view(permission_classes=[AllowAny], authentication_classes=[])),
        name="schema",
    ),
    path("my/schema/", login_not_required(MySchema.as_view()), name="my_schema"),
]
PUBLIC = {
    "schema": "the description of the API names no customer",
    "my_schema": "the description of the API names no customer",
}
