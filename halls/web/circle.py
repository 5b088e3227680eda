"""The ten-minute payment circle, on a map and as tables; what a new point would add."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from halls.queries.circle import PayCircle, get_circle
from halls.web.forms import SiteForm


@require_safe
@requires("halls.see_circle")
def circle(request: HttpRequest) -> HttpResponse:
    """Who reaches a pay point in ten minutes on foot; `?lon=…&lat=…`: what a point there would add."""
    is_asked = "lon" in request.GET or "lat" in request.GET
    form = SiteForm(request.GET if is_asked else None)
    site = (form.cleaned_data["lon"], form.cleaned_data["lat"]) if is_asked and form.is_valid() else None
    found = get_circle(within=sorted(scope_of(staff_of(request), "halls.see_circle")), site=site)
    context = {"circle": found, "form": form, "map": _map(found)}
    return render(request, "halls/circle.html", context, status=422 if form.errors else 200)


def _map(circle: PayCircle) -> dict[str, Any]:
    """What halls/circle.js draws: blocks and points as GeoJSON, the reach, the tiles where there are some."""
    blocks = [
        _feature(
            block.longitude,
            block.latitude,
            {
                "name": block.name,
                "customers": block.customers,
                "share": block.share_e4 // 100,
                "is_covered": block.is_covered,
            },
        )
        for block in circle.blocks
    ]
    points = [
        _feature(point.longitude, point.latitude, {"name": point.name, "kind": point.kind, "word": point.kind_word})
        for point in circle.points
    ]
    sites = [_feature(site.longitude, site.latitude, {"gain": site.gain}) for site in circle.sites]
    asked = circle.what_if
    return {
        "reach_m": circle.reach_m,
        "blocks": {"type": "FeatureCollection", "features": blocks},
        "points": {"type": "FeatureCollection", "features": points},
        "sites": {"type": "FeatureCollection", "features": sites},
        "asked": [asked.longitude, asked.latitude, asked.gain] if asked is not None else None,
        "tiles": settings.MAP_TILES_URL,
        "credit": settings.MAP_TILES_CREDIT,
        "is_gcj02": settings.MAP_TILES_GCJ02,
    }


def _feature(longitude: float, latitude: float, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(longitude, 6), round(latitude, 6)]},
        "properties": properties,
    }
