/*
 * The payment circle on a map: blocks, pay points with their reach, proposed sites; a press on the map asks what a point
 * there would add. The base is our own data on plain ground; tiles come from the settings where there are some, and
 * where they are shifted (GCJ-02) what is drawn is shifted alike. Positions are set by script through the element's
 * style object, which the content policy allows; there is no inline style in the markup.
 */
(() => {
  "use strict";

  const frame = document.querySelector("[data-circle-map]");
  if (!frame || !window.L) return;
  const data = JSON.parse(document.getElementById("circle-data").textContent);

  /* ---- GCJ-02: the shift of maps published in China (Krasovsky 1940 ellipsoid) ---- */

  const A = 6378245.0;
  const EE = 0.00669342162296594323;
  const rad = (degrees) => (degrees * Math.PI) / 180;
  const waves = (x) => (20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * (2 / 3);
  const northward = (x, y) =>
    -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + waves(x) +
    (20 * Math.sin(y * Math.PI) + 40 * Math.sin((y / 3) * Math.PI)) * (2 / 3) +
    (160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y * Math.PI) / 30)) * (2 / 3);
  const eastward = (x, y) =>
    300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + waves(x) +
    (20 * Math.sin(x * Math.PI) + 40 * Math.sin((x / 3) * Math.PI)) * (2 / 3) +
    (150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * (2 / 3);

  const shift = (lon, lat) => {
    const [x, y] = [lon - 105, lat - 35];
    const magic = 1 - EE * Math.sin(rad(lat)) ** 2;
    const north = (northward(x, y) * 180) / (((A * (1 - EE)) / (magic * Math.sqrt(magic))) * Math.PI);
    const east = (eastward(x, y) * 180) / ((A / Math.sqrt(magic)) * Math.cos(rad(lat)) * Math.PI);
    return [lon + east, lat + north];
  };

  const isShifted = data.is_gcj02 && data.tiles;
  const toMap = (lon, lat) => {
    const [x, y] = isShifted ? shift(lon, lat) : [lon, lat];
    return L.latLng(y, x);
  };
  const fromMap = ({ lng, lat }) => {
    if (!isShifted) return [lng, lat];
    const [x, y] = shift(lng, lat);
    return [2 * lng - x, 2 * lat - y];
  };

  /* ---- The map ---- */

  const map = L.map(frame, { attributionControl: Boolean(data.credit), zoomSnap: 0.25, scrollWheelZoom: false });
  if (data.tiles) L.tileLayer(data.tiles, { attribution: data.credit, maxZoom: 18 }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);

  const place = (feature) => toMap(...feature.geometry.coordinates);
  const radius = (customers) => Math.min(4 + Math.sqrt(customers), 22);
  const bounds = L.latLngBounds([]);

  const text = (...words) => {
    const node = document.createElement("span");
    node.textContent = words.filter(Boolean).join(" ");
    return node;
  };

  for (const point of data.points.features) {
    L.circle(place(point), { radius: data.reach_m, className: "pay-reach", weight: 1, fillOpacity: 0.1, interactive: false }).addTo(map);
  }
  for (const block of data.blocks.features) {
    const { name, customers, share, is_covered: isCovered } = block.properties;
    bounds.extend(place(block));
    L.circleMarker(place(block), {
      radius: radius(customers),
      className: isCovered ? "block-covered" : "block-open",
      weight: 1,
      fillOpacity: 0.45,
      bubblingMouseEvents: true,
    })
      .bindTooltip(() => text(name, customers, `${share} %`))
      .addTo(map);
  }
  for (const point of data.points.features) {
    L.circleMarker(place(point), { radius: 6, className: "pay-point", weight: 2, fillOpacity: 1, bubblingMouseEvents: true })
      .bindTooltip(() => text(point.properties.word, point.properties.name))
      .addTo(map);
  }
  for (const site of data.sites.features) {
    L.circle(place(site), { radius: data.reach_m, className: "new-site", weight: 2, dashArray: "6 4", fill: false, interactive: false }).addTo(map);
  }
  if (data.asked) {
    const [lon, lat, gain] = data.asked;
    L.circle(toMap(lon, lat), { radius: data.reach_m, className: "new-site", weight: 3, fill: false }).addTo(map);
    L.circleMarker(toMap(lon, lat), { radius: 7, className: "pay-point", weight: 2, fillOpacity: 1 })
      .bindTooltip(() => text(`+${gain}`), { permanent: true })
      .addTo(map);
  }
  // One place alone has no extent to fit.
  if (!bounds.isValid()) map.setView([35, 105], 4);
  else if (bounds.getNorthEast().equals(bounds.getSouthWest())) map.setView(bounds.getCenter(), 15);
  else map.fitBounds(bounds.pad(0.06), { maxZoom: 17 });

  const form = document.querySelector("[data-site-form]");
  map.on("click", ({ latlng }) => {
    const [lon, lat] = fromMap(latlng);
    form.elements.lon.value = lon.toFixed(6);
    form.elements.lat.value = lat.toFixed(6);
    form.requestSubmit();
  });
})();
