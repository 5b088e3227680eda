"""Addresses of the readings pages and of the data catalogue."""

from django.urls import path

from cis.web import data, late_readings, reading_doubts, reading_limits, reading_takes, readings

urlpatterns = [
    path("readings/imports/", readings.imports, name="reading_imports"),
    path("readings/imports/<int:import_id>/", readings.import_result, name="reading_import"),
    path("readings/imports/<int:import_id>/rejects.csv", readings.import_rejects, name="reading_rejects"),
    path("readings/imports/<int:import_id>/file/", readings.import_file, name="reading_import_file"),
    path("readings/doubts/", reading_doubts.work_list, name="reading_work_list"),
    path("readings/doubts/<int:doubt_id>/", reading_doubts.doubt, name="reading_doubt"),
    path("readings/doubts/<int:doubt_id>/claim/", reading_doubts.doubt_claim, name="reading_doubt_claim"),
    path("readings/late/", late_readings.work_list, name="late_readings"),
    path("readings/late/<int:installation_id>/", late_readings.meter, name="late_meter"),
    path("accounts/<str:account_no>/take-reading/", reading_takes.take, name="reading_take"),
    path("readings/photos/<int:photo_id>/", reading_takes.photo, name="reading_photo"),
    path("readings/limits/", reading_limits.limits, name="reading_limits"),
    path("readings/limits/change/", reading_limits.change, name="reading_limits_change"),
    path("data/", data.catalogue, name="data"),
    path("data/sales/", data.sales, name="data_sales"),
    path("data/sales.csv", data.sales_csv, name="data_sales_csv"),
    path("data/load/", data.load, name="data_load"),
    path("data/load.csv", data.load_csv, name="data_load_csv"),
    path("data/tariffs/", data.tariffs, name="data_tariffs"),
    path("data/tariffs.csv", data.tariffs_csv, name="data_tariffs_csv"),
]
